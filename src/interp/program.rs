//! A file ready to run: its functions and data with addresses, and what each name refers to.

use std::collections::{HashMap, HashSet};

use super::imports::{self, Import};
use super::memory::{CODE, DATA, GAP, HEAP, Memory};
use crate::diag::Diagnostic;
use crate::entity::Entity;
use crate::ir::{
    DataItem, DataKind, DynamicStackSlot, Effects, Endianness, FieldKind, Function, Inst, InstData, Linkage,
    Module, Name, NameRef, StackSlot, Stencil, SymbolItem,
};

/// What a name refers to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Symbol {
    /// A function of the file, by number.
    Function(usize),
    /// Data of the file, by number.
    Data(usize),
    /// A function that the interpreter has.
    Import(&'static Import),
    /// An import that may be missing, and is.
    Missing,
    /// Nothing that is known.
    Unknown,
}

/// Where a function's stack slots lie in its frame.
#[derive(Default)]
pub(super) struct Slots {
    /// Offset of each slot from the frame's lowest address.
    pub fixed: Vec<u64>,
    /// Offset of each slot of dynamic type.
    pub dynamic: Vec<u64>,
    /// For each call that returns a structure, in order, the offset of the memory that it is copied to.
    pub structures: Vec<(Inst, u64)>,
    /// Bytes of all.
    pub size: u64,
    /// Their greatest alignment.
    pub align: u64,
}

/// A function with what running it takes.
pub(super) struct Code {
    pub function: Function,
    /// The address of its code; instruction `n` is `n` bytes behind it.
    pub address: u64,
    pub slots: Slots,
    /// Whether it has slots or calls others; what has neither needs no frame on any target, and heeds no
    /// stack limit.
    pub needs_stack: bool,
    /// What its names refer to, by [`NameRef`].
    pub symbols: Vec<Symbol>,
}

/// A file ready to run.
pub struct Program {
    pub(super) functions: Vec<Code>,
    data_items: Vec<DataItem>,
    /// The address of each data item.
    data: Vec<u64>,
    names: Names,
    /// The addresses of imports, behind those of the functions.
    import_base: u64,
}

impl Program {
    /// Lays out a file whose functions have been verified. What is wrong is said of `offsets`, which has
    /// the place of each function in the text.
    pub fn new(functions: Vec<Function>, module: Module, offsets: &[usize]) -> Result<Self, Vec<Diagnostic>> {
        let mut errors = Vec::new();
        let mut names = Names::new(&module.symbols);
        let definitions = functions.iter().enumerate().map(|(n, function)| {
            let offset = offsets.get(n).copied().unwrap_or(0);
            (&function.params.name, Symbol::Function(n), offset)
        });
        let data = module.data.iter().enumerate();
        let data = data.filter_map(|(n, item)| Some((item.name.as_ref()?, Symbol::Data(n), item.offset)));
        for (name, symbol, offset) in definitions.chain(data) {
            if let Some(twice) = names.define(name, symbol) {
                let message = format!("`{twice}` is defined more than once in this file");
                errors.push(Diagnostic::error(offset, message));
            }
        }
        for alias in &module.aliases {
            let target = names.find(&alias.target);
            if let Some(twice) = names.define(&alias.name, target) {
                let message = format!("`{twice}` is defined more than once in this file");
                errors.push(Diagnostic::error(alias.offset, message));
            }
        }
        let data = place_data(&module.data, &mut errors);
        let mut address = CODE;
        let mut code = Vec::with_capacity(functions.len());
        for function in functions {
            let symbols = function.params.names.values().map(|name| names.find(name)).collect();
            let slots = slots_of(&function.stencil);
            let size = function.stencil.insts.len() as u64;
            let calls = |data: &InstData| data.opcode.effects().has(Effects::CALL);
            let needs_stack = slots.size > 0 || function.stencil.insts.values().any(calls);
            code.push(Code { function, address, slots, needs_stack, symbols });
            address += (size + 1).next_multiple_of(16);
        }
        if address + imports::CODE_BYTES > DATA {
            errors.push(Diagnostic::error(0, "the functions are too many to be interpreted"));
        }
        match errors.is_empty() {
            true => {
                Ok(Program { functions: code, data_items: module.data, data, names, import_base: address })
            }
            false => Err(errors),
        }
    }

    /// The functions in the order of the file.
    pub fn functions(&self) -> impl ExactSizeIterator<Item = &Function> {
        self.functions.iter().map(|code| &code.function)
    }

    /// The number of the function of this name.
    pub fn function_named(&self, name: &Name) -> Option<usize> {
        match self.names.find(name) {
            Symbol::Function(n) => Some(n),
            Symbol::Data(_) | Symbol::Import(_) | Symbol::Missing | Symbol::Unknown => None,
        }
    }

    /// The address of what a name refers to.
    pub fn address_of(&self, name: &Name) -> Option<u64> {
        self.address(self.names.find(name))
    }

    /// Memory as it is before anything runs. What data refers to and nobody knows is at address zero.
    pub(super) fn memory(&self, order: Endianness) -> Memory {
        let mut memory = Memory::new(order);
        let code_bytes = self.import_base + imports::CODE_BYTES - CODE;
        memory.add(CODE, vec![0; code_bytes as usize], false);
        for (item, &base) in self.data_items.iter().zip(&self.data) {
            // Pages of zeros that nobody touches cost nothing.
            let mut bytes = vec![0; item.size as usize];
            if !item.is_zero() {
                let start = item.bytes_of(order == Endianness::Big);
                bytes[..start.len()].copy_from_slice(&start);
            }
            for reloc in &item.relocs {
                let address = self.address(self.names.find(&reloc.name)).unwrap_or(0);
                let address = address.wrapping_add(reloc.addend as u64);
                let value = match reloc.kind {
                    FieldKind::Address => address,
                    FieldKind::Distance => address.wrapping_sub(base),
                };
                let (at, size) = (reloc.offset as usize, reloc.kind.bytes() as usize);
                let field = &mut bytes[at..at + size];
                match order {
                    Endianness::Little => field.copy_from_slice(&value.to_le_bytes()[..size]),
                    Endianness::Big => field.copy_from_slice(&value.to_be_bytes()[8 - size..]),
                }
            }
            memory.add(base, bytes, item.kind != DataKind::Rodata);
        }
        memory
    }

    /// The address of a symbol; `None` if it is not known.
    pub(super) fn address(&self, symbol: Symbol) -> Option<u64> {
        match symbol {
            Symbol::Function(n) => Some(self.functions[n].address),
            Symbol::Data(n) => Some(self.data[n]),
            Symbol::Import(import) => Some(self.import_base + imports::offset(import)),
            Symbol::Missing => Some(0),
            Symbol::Unknown => None,
        }
    }

    /// What an external name of a function refers to.
    pub(super) fn symbol(&self, function: usize, name: NameRef) -> Symbol {
        self.functions[function].symbols[name.index()]
    }

    /// The function or import whose code begins at an address.
    pub(super) fn callee(&self, address: u64) -> Option<Symbol> {
        if let Some(offset) = address.checked_sub(self.import_base) {
            return imports::at(offset).map(Symbol::Import);
        }
        let found = self.functions.binary_search_by_key(&address, |code| code.address);
        found.ok().map(Symbol::Function)
    }
}

/// What names refer to.
struct Names {
    /// Names that the file gives another spelling for the linker.
    renamed: HashMap<Name, Box<str>>,
    /// Imports that may be missing.
    weak: HashSet<Name>,
    by_linker_name: HashMap<String, Symbol>,
}

impl Names {
    fn new(items: &[SymbolItem]) -> Self {
        let renamed = items.iter().filter_map(|item| Some((item.name.clone(), item.link_name.clone()?)));
        let weak = items.iter().filter(|item| item.linkage == Linkage::Weak).map(|item| item.name.clone());
        Names { renamed: renamed.collect(), weak: weak.collect(), by_linker_name: HashMap::new() }
    }

    fn linker_name(&self, name: &Name) -> String {
        match (self.renamed.get(name), name) {
            (Some(renamed), _) => renamed.to_string(),
            (None, Name::Text(text)) => text.to_string(),
            (None, Name::User(namespace, index)) => format!("u{namespace}_{index}"),
            (None, Name::UserRef(index)) => format!("userextname{index}"),
        }
    }

    /// Makes a name refer to a definition; the linker name if it has one already.
    fn define(&mut self, name: &Name, symbol: Symbol) -> Option<String> {
        let linker_name = self.linker_name(name);
        let before = self.by_linker_name.insert(linker_name.clone(), symbol);
        before.map(|_| linker_name)
    }

    fn find(&self, name: &Name) -> Symbol {
        let linker_name = self.linker_name(name);
        let defined = self.by_linker_name.get(&linker_name).copied();
        let import = || imports::named(&linker_name).map(Symbol::Import);
        let missing = || self.weak.contains(name).then_some(Symbol::Missing);
        defined.or_else(import).or_else(missing).unwrap_or(Symbol::Unknown)
    }
}

/// Gives each data item an address.
fn place_data(items: &[DataItem], errors: &mut Vec<Diagnostic>) -> Vec<u64> {
    let mut next = DATA;
    let mut place = |item: &DataItem| {
        let base = next.next_multiple_of(u64::from(item.align).max(16));
        let end = base.checked_add(item.size)?.checked_add(GAP)?;
        (end <= HEAP).then(|| {
            next = end;
            base
        })
    };
    let places = items.iter().map(|item| {
        place(item).unwrap_or_else(|| {
            errors.push(Diagnostic::error(item.offset, "the data are too large to be interpreted"));
            DATA
        })
    });
    places.collect()
}

fn slots_of(stencil: &Stencil) -> Slots {
    let mut slots = Slots { align: 16, ..Slots::default() };
    let mut add = |size: u64, align: u64| {
        let at = slots.size.next_multiple_of(align.max(16));
        slots.size = at.saturating_add(size);
        slots.align = slots.align.max(align);
        at
    };
    let fixed = stencil.stack_slots.values();
    let fixed = fixed.map(|slot| add(u64::from(slot.size), 1 << slot.align_shift.min(30))).collect();
    let dynamic = stencil.dynamic_stack_slots.values();
    // The scale of dynamic types is 1, so that a slot has the size of its type's base.
    let base_bytes = |ty: &Option<_>| {
        let data = ty.and_then(|ty| stencil.dynamic_types.get(ty).copied().flatten());
        data.map_or(0, |data| u64::from(data.base.bytes()))
    };
    let dynamic = dynamic.map(|ty| add(base_bytes(ty), 16)).collect();
    let mut structures = Vec::new();
    let calls = stencil.insts.iter().filter(|(_, data)| data.opcode.effects().has(Effects::CALL));
    for (inst, data) in calls {
        let signature = stencil.call_signature(data).map(|signature| stencil.sig(signature));
        let returned = signature.and_then(|signature| signature.returns.first());
        // No target has a larger layout.
        if let Some(size) = returned.and_then(|result| result.structure_size(stencil, 16)) {
            structures.push((inst, add(size, 16)));
        }
    }
    Slots { fixed, dynamic, structures, ..slots }
}

impl Slots {
    /// Offset of a slot in the frame.
    pub fn of(&self, slot: StackSlot) -> Option<u64> {
        self.fixed.get(slot.index()).copied()
    }

    /// Offset in the frame of the memory for the structure that a call returns.
    pub fn of_structure(&self, call: Inst) -> Option<u64> {
        let at = self.structures.binary_search_by_key(&call, |&(inst, _)| inst).ok()?;
        Some(self.structures[at].1)
    }

    /// Offset of a slot of dynamic type in the frame.
    pub fn of_dynamic(&self, slot: DynamicStackSlot) -> Option<u64> {
        self.dynamic.get(slot.index()).copied()
    }
}
