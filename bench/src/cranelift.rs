//! Runs tasks with Cranelift: its reader, compiler and object writer, used like a standalone compiler.

use crate::measure::{Phase, Phases};
use crate::task::{Kind, Task, Who, pool};
use anyhow::{Context as _, Result, anyhow};
use clifc::options::Arch;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::{ExternalName, Function, GlobalValueData, UserExternalName, UserFuncName};
use cranelift_codegen::isa::{self, OwnedTargetIsa, TargetIsa};
use cranelift_codegen::settings::{self, Configurable};
use cranelift_codegen::timing::{self, Pass};
use cranelift_codegen::{Context, verify_function};
use cranelift_module::{DataId, FuncId, Linkage, Module, ModuleReloc, default_libcall_names};
use cranelift_object::{ObjectBuilder, ObjectModule};
use rayon::prelude::*;
use std::any::Any;
use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Instant;

/// What a task made. It is dropped after the clock has stopped.
pub enum Made {
    /// The result of parsing.
    Functions(#[expect(dead_code, reason = "kept to be dropped late")] Vec<Function>),
    /// The result of building.
    Object(#[expect(dead_code, reason = "kept to be dropped late")] Vec<u8>),
}

/// The number of functions and instructions in a file.
#[derive(Clone, Copy)]
pub struct Counts {
    pub functions: usize,
    pub instructions: usize,
}

/// Counts the functions and instructions in a file.
pub fn count(text: &str) -> Result<Counts> {
    let functions = parse_piece(text)?;
    let instructions =
        |f: &Function| f.layout.blocks().map(|b| f.layout.block_insts(b).count()).sum::<usize>();
    Ok(Counts { functions: functions.len(), instructions: functions.iter().map(instructions).sum() })
}

/// Runs a task. The second result is what it made.
pub fn run(task: &Task, arch: Arch, text: &str, threads: usize) -> Result<(Phases, Made)> {
    let isa = make_isa(task, arch)?;
    match task.kind {
        Kind::Parse => {
            let functions = parse(text, threads)?;
            if task.verify {
                let check = |f: &Function| {
                    verify_function(f, &*isa).map_err(|errors| anyhow!("Cranelift: {}: {errors}", f.name))
                };
                match threads {
                    1 => functions.iter().try_for_each(check)?,
                    _ => pool(threads)?.install(|| functions.par_iter().try_for_each(check))?,
                }
            }
            Ok((Phases::default(), Made::Functions(functions)))
        }
        Kind::Build { .. } => build(isa, text, threads),
    }
}

fn make_isa(task: &Task, arch: Arch) -> Result<OwnedTargetIsa> {
    let mut flags = settings::builder();
    for (name, value) in task.settings(Who::Cranelift) {
        flags.set(name, value)?;
    }
    let triple = arch.triple().parse::<target_lexicon::Triple>().expect("a known triple");
    Ok(isa::lookup(triple)?.finish(settings::Flags::new(flags))?)
}

fn parse_piece(text: &str) -> Result<Vec<Function>> {
    cranelift_reader::parse_functions(text).map_err(|error| anyhow!("Cranelift: {error}"))
}

/// Parses a file. With several threads, it is cut into pieces that begin with a function.
fn parse(text: &str, threads: usize) -> Result<Vec<Function>> {
    if threads == 1 {
        return parse_piece(text);
    }
    let pieces = cut(text, threads * 8);
    let parsed = pool(threads)?.install(|| pieces.par_iter().map(|piece| parse_piece(piece)).collect());
    let parsed: Result<Vec<Vec<Function>>> = parsed;
    Ok(parsed?.into_iter().flatten().collect())
}

/// Cuts a text into about `pieces` pieces of similar size, each of which begins with a function.
fn cut(text: &str, pieces: usize) -> Vec<&str> {
    let mut rest = text;
    let size = text.len() / pieces + 1;
    let mut result = Vec::with_capacity(pieces);
    while rest.len() > size {
        let start = (size..rest.len()).find(|&at| rest.is_char_boundary(at)).unwrap_or(rest.len());
        let Some(end) = rest[start..].find("\nfunction ") else { break };
        let (piece, after) = rest.split_at(start + end + 1);
        result.push(piece);
        rest = after;
    }
    result.push(rest);
    result
}

/// A compiled function.
struct Compiled {
    align: u64,
    bytes: Vec<u8>,
    relocs: Vec<ModuleReloc>,
}

fn build(isa: OwnedTargetIsa, text: &str, threads: usize) -> Result<(Phases, Made)> {
    let mut phases = Phases::default();
    let mut functions = phases.time(Phase::Parse, || parse(text, threads))?;
    let builder = ObjectBuilder::new(isa.clone(), "bench", default_libcall_names())?;
    let mut names = Names::new(ObjectModule::new(builder));
    let ids = phases.time(Phase::Object, || names.declare(&mut functions))?;
    let mut module = names.module;
    let mut define = |id: FuncId, code: Compiled| {
        module.define_function_bytes(id, code.align, &code.bytes, &code.relocs).context("defining")
    };
    if threads == 1 {
        let mut worker = Worker::new(&*isa);
        for (function, &id) in functions.into_iter().zip(&ids) {
            let compiled = worker.compile(function, id)?;
            phases.time(Phase::Object, || define(id, compiled))?;
        }
        phases.merge(&Clock::take());
    } else {
        let work = |worker: &mut Worker, (function, &id): (Function, &FuncId)| {
            let compiled = worker.compile(function, id)?;
            Ok((id, compiled, Clock::take()))
        };
        let compiled: Result<Vec<_>> = pool(threads)?
            .install(|| functions.into_par_iter().zip(&ids).map_init(|| Worker::new(&*isa), work).collect());
        for (id, code, times) in compiled? {
            phases.merge(&times);
            phases.time(Phase::Object, || define(id, code))?;
        }
    }
    let object = phases.time(Phase::Object, || module.finish().emit())?;
    Ok((phases, Made::Object(object)))
}

/// The compiler of one thread.
struct Worker<'a> {
    isa: &'a dyn TargetIsa,
    context: Context,
}

impl<'a> Worker<'a> {
    fn new(isa: &'a dyn TargetIsa) -> Self {
        timing::set_thread_profiler(Box::new(Clock));
        // A task that only verifies leaves its time in the clock.
        Clock::take();
        Worker { isa, context: Context::new() }
    }

    fn compile(&mut self, function: Function, id: FuncId) -> Result<Compiled> {
        self.context.clear();
        self.context.func = function;
        let code = self
            .context
            .compile(self.isa, &mut ControlPlane::default())
            .map_err(|error| anyhow!("Cranelift: {}: {}", error.func.name, error.inner))?;
        let (align, bytes) = (code.buffer.alignment.into(), code.buffer.data().to_vec());
        let code = self.context.compiled_code().context("it was compiled")?;
        let reloc = |reloc| ModuleReloc::from_mach_reloc(reloc, &self.context.func, id);
        Ok(Compiled { align, bytes, relocs: code.buffer.relocs().iter().map(reloc).collect() })
    }
}

/// Declares functions and data in a module, and replaces the names in functions by its numbers.
struct Names {
    module: ObjectModule,
    functions: HashMap<Key, FuncId>,
    data: HashMap<Key, DataId>,
}

/// The name of a function or of data.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Key {
    User(u32, u32),
    Text(String),
}

impl Key {
    fn of_function(name: &UserFuncName) -> Self {
        match name {
            UserFuncName::User(user) => Key::User(user.namespace, user.index),
            UserFuncName::Testcase(text) => Key::Text(String::from_utf8_lossy(text.raw()).into_owned()),
        }
    }

    fn of_external(f: &Function, name: &ExternalName) -> Option<Self> {
        match name {
            ExternalName::User(name) => {
                let user = &f.params.user_named_funcs()[*name];
                Some(Key::User(user.namespace, user.index))
            }
            ExternalName::TestCase(text) => Some(Key::Text(String::from_utf8_lossy(text.raw()).into_owned())),
            _ => None,
        }
    }

    fn symbol(&self) -> String {
        match self {
            Key::User(namespace, index) => format!("u{namespace}_{index}"),
            Key::Text(text) => text.clone(),
        }
    }
}

impl Names {
    fn new(module: ObjectModule) -> Self {
        Names { module, functions: HashMap::new(), data: HashMap::new() }
    }

    fn declare(&mut self, functions: &mut [Function]) -> Result<Vec<FuncId>> {
        let mut ids = Vec::with_capacity(functions.len());
        for f in functions.iter() {
            let key = Key::of_function(&f.name);
            let id = self.module.declare_function(&key.symbol(), Linkage::Export, &f.signature)?;
            self.functions.insert(key, id);
            ids.push(id);
        }
        functions.iter_mut().try_for_each(|f| self.resolve(f))?;
        Ok(ids)
    }

    fn resolve(&mut self, f: &mut Function) -> Result<()> {
        for func in f.dfg.ext_funcs.keys().collect::<Vec<_>>() {
            let Some(key) = Key::of_external(f, &f.dfg.ext_funcs[func].name) else { continue };
            let id = match self.functions.get(&key) {
                Some(&id) => id,
                None => {
                    let signature = &f.dfg.signatures[f.dfg.ext_funcs[func].signature];
                    let id = self.module.declare_function(&key.symbol(), Linkage::Import, signature)?;
                    self.functions.insert(key, id);
                    id
                }
            };
            let user = UserExternalName { namespace: 0, index: id.as_u32() };
            f.dfg.ext_funcs[func].name = ExternalName::User(f.declare_imported_user_function(user));
        }
        for value in f.global_values.keys().collect::<Vec<_>>() {
            let GlobalValueData::Symbol { name, tls, .. } = &f.global_values[value] else { continue };
            let tls = *tls;
            let Some(key) = Key::of_external(f, name) else { continue };
            let user = match self.functions.get(&key) {
                Some(id) => UserExternalName { namespace: 0, index: id.as_u32() },
                None => UserExternalName { namespace: 1, index: self.data(key, tls)?.as_u32() },
            };
            let user = ExternalName::User(f.declare_imported_user_function(user));
            if let GlobalValueData::Symbol { name, .. } = &mut f.global_values[value] {
                *name = user;
            }
        }
        Ok(())
    }

    fn data(&mut self, key: Key, tls: bool) -> Result<DataId> {
        if let Some(&id) = self.data.get(&key) {
            return Ok(id);
        }
        let id = self.module.declare_data(&key.symbol(), Linkage::Import, true, tls)?;
        self.data.insert(key, id);
        Ok(id)
    }
}

/// Measures Cranelift's passes. Each is charged the time it runs, without the passes that run inside it.
struct Clock;

/// Ends the innermost pass when it is dropped.
struct Running;

/// The running passes, and the time since which the innermost has not been charged.
struct State {
    running: Vec<Pass>,
    since: Instant,
    phases: Phases,
}

thread_local! {
    static STATE: RefCell<State> =
        RefCell::new(State { running: Vec::new(), since: Instant::now(), phases: Phases::default() });
}

impl State {
    /// Charges the time until now to the innermost pass.
    fn charge(&mut self) {
        let now = Instant::now();
        if let Some(phase) = self.running.last().and_then(|&pass| phase_of(pass)) {
            self.phases.add(phase, (now - self.since).as_secs_f64());
        }
        self.since = now;
    }
}

/// The phase to which a pass belongs. `compile`, which has the time outside of other passes, is mostly the
/// setup of lowering.
fn phase_of(pass: Pass) -> Option<Phase> {
    match pass {
        Pass::parse_text | Pass::process_file => None,
        Pass::verifier => Some(Phase::Verify),
        Pass::vcode_lower | Pass::compile => Some(Phase::Lower),
        Pass::regalloc | Pass::regalloc_checker => Some(Phase::Regalloc),
        Pass::vcode_emit | Pass::vcode_emit_finish => Some(Phase::Emit),
        _ => Some(Phase::Optimise),
    }
}

impl Clock {
    /// Takes the times of this thread, and resets them.
    fn take() -> Phases {
        STATE.with(|state| std::mem::take(&mut state.borrow_mut().phases))
    }
}

impl timing::Profiler for Clock {
    fn start_pass(&self, pass: Pass) -> Box<dyn Any> {
        STATE.with(|state| {
            let mut state = state.borrow_mut();
            state.charge();
            state.running.push(pass);
        });
        Box::new(Running)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        STATE.with(|state| {
            let mut state = state.borrow_mut();
            state.charge();
            state.running.pop();
        });
    }
}
