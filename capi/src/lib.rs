//! The C interface of clifc, which `clifc.h` declares and describes.
//!
//! Two kinds of objects cross the boundary, both owned by the caller: options and results. Functions that
//! take options don't change them unless they say so, and share nothing else, so threads may use the same
//! options. No panic crosses: it becomes a message. Texts are NUL-terminated copies made for C, which live as
//! long as the object they belong to.
#![allow(clippy::missing_safety_doc, reason = "clifc.h describes what pointers must be")]

use std::ffi::{CStr, CString, c_char, c_int};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use compiler::diag::{Diagnostic, Lines, Severity, Source};
use compiler::driver::{self, BuildOptions, Observer};
use compiler::object::disasm::Syntax;
use compiler::object::{DebugLevel, DebugOptions, Layout};
use compiler::options::{Flags, Target};

/// Options of compilations: `clifc_options`.
pub struct Options {
    target: Target,
    flags: Flags,
    layout: Layout,
    debug: Option<DebugLevel>,
    assembly: Option<Syntax>,
    /// What the last call that failed returned.
    error: CString,
}

/// A message: `clifc_message`.
#[repr(C)]
pub struct Message {
    /// 0 for an error, 1 for a warning, 2 for a bug of clifc.
    severity: c_int,
    /// Line in the text, from 1; 0 if the message is about no place.
    line: usize,
    /// Column in the line, from 1.
    column: usize,
    /// Byte offset in the text.
    offset: usize,
    text: *const c_char,
    notes: *const c_char,
}

/// What a compilation gave: `clifc_result`.
pub struct Outcome {
    ok: bool,
    object: Vec<u8>,
    assembly: CString,
    messages: Vec<Message>,
    /// The texts that messages point to.
    _texts: Vec<CString>,
}

const ERROR: c_int = 0;
const WARNING: c_int = 1;
const BUG: c_int = 2;

/// A copy for C. A text ends at a NUL.
fn for_c(text: &str) -> CString {
    let text = text.split('\0').next().unwrap_or_default();
    CString::new(text).unwrap_or_default()
}

/// Reads a text of the caller; `None` if the pointer is null or it is not UTF-8.
///
/// # Safety
/// The pointer is null or points to a NUL-terminated text that stays as it is.
unsafe fn text<'a>(pointer: *const c_char) -> Option<&'a str> {
    if pointer.is_null() {
        return None;
    }
    // SAFETY: the caller says so.
    unsafe { CStr::from_ptr(pointer) }.to_str().ok()
}

/// The version of clifc.
#[unsafe(no_mangle)]
pub extern "C" fn clifc_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// Makes options for a target, or for this machine if the name is null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clifc_options_new(target: *const c_char) -> *mut Options {
    // SAFETY: the header asks for a text or null.
    let name = unsafe { text(target) };
    let made = catch_unwind(|| match (target.is_null(), name) {
        (true, _) => Target::host().ok(),
        (false, name) => Target::parse(name?).ok(),
    });
    let Ok(Some(target)) = made else { return ptr::null_mut() };
    let flags = Flags::new(&target);
    let layout = Layout::default();
    let error = CString::default();
    Box::into_raw(Box::new(Options { target, flags, layout, debug: None, assembly: None, error }))
}

/// Frees options.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clifc_options_free(options: *mut Options) {
    if !options.is_null() {
        // SAFETY: the header asks for options that were made here and are used no more.
        drop(unsafe { Box::from_raw(options) });
    }
}

/// Changes options, and returns why it can't as a text of the options; null on success.
///
/// # Safety
/// The pointer is null or points to options that nothing else uses meanwhile.
unsafe fn change(
    options: *mut Options,
    change: impl FnOnce(&mut Options) -> Result<(), String>,
) -> *const c_char {
    // SAFETY: the caller says so.
    let Some(options) = (unsafe { options.as_mut() }) else { return c"no options".as_ptr() };
    let result = catch_unwind(AssertUnwindSafe(|| change(options)));
    match result.unwrap_or_else(|_| Err("clifc has a bug".into())) {
        Ok(()) => ptr::null(),
        Err(why) => {
            options.error = for_c(&why);
            options.error.as_ptr()
        }
    }
}

/// Changes a setting.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clifc_options_set(
    options: *mut Options,
    name: *const c_char,
    value: *const c_char,
) -> *const c_char {
    // SAFETY: the header asks for texts.
    let (name, value) = unsafe { (text(name), text(value)) };
    let set = |options: &mut Options| match (name, value) {
        (Some(name), Some(value)) => options.flags.set(name, value),
        _ => Err("name and value must be UTF-8".into()),
    };
    // SAFETY: the header asks for options that nothing else uses meanwhile.
    unsafe { change(options, set) }
}

/// Uses the instructions of a CPU.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clifc_options_cpu(options: *mut Options, name: *const c_char) -> *const c_char {
    // SAFETY: the header asks for a text.
    let name = unsafe { text(name) };
    let set = |options: &mut Options| options.flags.set_cpu(name.ok_or("the name must be UTF-8")?);
    // SAFETY: the header asks for options that nothing else uses meanwhile.
    unsafe { change(options, set) }
}

/// Chooses what is written besides code and data.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clifc_options_output(
    options: *mut Options,
    kind: *const c_char,
    value: *const c_char,
) -> *const c_char {
    // SAFETY: the header asks for texts.
    let (kind, value) = unsafe { (text(kind), text(value)) };
    let set = |options: &mut Options| {
        match (kind, value) {
            (Some("debug"), Some("none")) => options.debug = None,
            (Some("debug"), Some("lines")) => options.debug = Some(DebugLevel::Lines),
            (Some("debug"), Some("full")) => options.debug = Some(DebugLevel::Full),
            (Some("assembly"), Some("none")) => options.assembly = None,
            (Some("assembly"), Some("att")) => options.assembly = Some(Syntax::Usual),
            (Some("assembly"), Some("intel")) => options.assembly = Some(Syntax::Intel),
            (Some("function_sections"), Some("true")) => options.layout.function_sections = true,
            (Some("function_sections"), Some("false")) => options.layout.function_sections = false,
            (Some("data_sections"), Some("true")) => options.layout.data_sections = true,
            (Some("data_sections"), Some("false")) => options.layout.data_sections = false,
            _ => return Err("unknown output or value: see clifc.h".to_string()),
        }
        Ok(())
    };
    // SAFETY: the header asks for options that nothing else uses meanwhile.
    unsafe { change(options, set) }
}

/// Compiles a text in memory.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clifc_compile(
    options: *const Options,
    name: *const c_char,
    source: *const c_char,
    length: usize,
) -> *mut Outcome {
    // SAFETY: the header asks for options, which are only read.
    let options = unsafe { options.as_ref() };
    // SAFETY: the header asks for a text or null.
    let name = unsafe { text(name) }.unwrap_or("<memory>");
    let source = match source.is_null() {
        true => &[],
        // SAFETY: the header asks for so many bytes.
        false => unsafe { std::slice::from_raw_parts(source.cast::<u8>(), length) },
    };
    let source = Source { name, text: source };
    let outcome = catch_unwind(AssertUnwindSafe(|| match options {
        Some(options) => compile(options, &source),
        None => Outcome::new(&source, false, &[Diagnostic::error(0, "no options")]),
    }));
    let bug = || {
        let message = Diagnostic { severity: Severity::Bug, ..Diagnostic::error(0, "clifc has a bug") };
        Outcome::new(&source, false, &[message])
    };
    Box::into_raw(Box::new(outcome.unwrap_or_else(|_| bug())))
}

fn compile(options: &Options, source: &Source) -> Outcome {
    let debug = options.debug.map(|level| DebugOptions {
        level,
        directory: std::env::current_dir().unwrap_or_default().to_string_lossy().into_owned(),
        frames: false,
        prefix_map: Vec::new(),
    });
    let mut build = BuildOptions::new(options.target.clone(), options.flags);
    build.layout = options.layout;
    build.debug = debug;
    build.assembly = options.assembly;
    match driver::build(source, &build, &Observer::NONE) {
        Ok(built) => Outcome {
            object: built.object,
            assembly: for_c(&built.assembly.unwrap_or_default()),
            ..Outcome::new(source, true, &built.warnings)
        },
        Err(diagnostics) => Outcome::new(source, false, &diagnostics),
    }
}

impl Outcome {
    /// Makes a result without an object.
    fn new(source: &Source, ok: bool, diagnostics: &[Diagnostic]) -> Self {
        let lines = Lines::new(*source);
        let mut texts = Vec::new();
        let mut keep = |text: &str| {
            texts.push(for_c(text));
            texts.last().map_or(ptr::null(), |text| text.as_ptr())
        };
        let messages = diagnostics.iter().map(|diagnostic| {
            let (line, column) = lines.line_col(diagnostic.offset);
            Message {
                severity: match diagnostic.severity {
                    Severity::Error | Severity::Unsupported => ERROR,
                    Severity::Warning => WARNING,
                    Severity::Bug => BUG,
                },
                line,
                column,
                offset: diagnostic.offset,
                text: keep(&diagnostic.message),
                notes: keep(&diagnostic.notes.join("\n")),
            }
        });
        let messages = messages.collect();
        Outcome { ok, object: Vec::new(), assembly: CString::default(), messages, _texts: texts }
    }
}

/// Whether the text was compiled.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clifc_result_ok(result: *const Outcome) -> bool {
    // SAFETY: the header asks for a result.
    unsafe { result.as_ref() }.is_some_and(|result| result.ok)
}

/// The bytes of the object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clifc_result_object(result: *const Outcome, length: *mut usize) -> *const u8 {
    // SAFETY: the header asks for a result.
    let object = unsafe { result.as_ref() }.map_or(&[][..], |result| &result.object);
    if !length.is_null() {
        // SAFETY: the header asks for a place that can be written to.
        unsafe { *length = object.len() };
    }
    if object.is_empty() { ptr::null() } else { object.as_ptr() }
}

/// The assembly.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clifc_result_assembly(result: *const Outcome) -> *const c_char {
    // SAFETY: the header asks for a result.
    unsafe { result.as_ref() }.map_or(ptr::null(), |result| result.assembly.as_ptr())
}

/// The number of messages.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clifc_result_message_count(result: *const Outcome) -> usize {
    // SAFETY: the header asks for a result.
    unsafe { result.as_ref() }.map_or(0, |result| result.messages.len())
}

/// A message.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clifc_result_message(result: *const Outcome, index: usize) -> *const Message {
    // SAFETY: the header asks for a result.
    let message = unsafe { result.as_ref() }.and_then(|result| result.messages.get(index));
    message.map_or(ptr::null(), |message| message)
}

/// Frees a result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clifc_result_free(result: *mut Outcome) {
    if !result.is_null() {
        // SAFETY: the header asks for a result that was made here and is used no more.
        drop(unsafe { Box::from_raw(result) });
    }
}
