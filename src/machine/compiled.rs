//! The result of compiling a stencil: bytes and all that an object says of them.
//!
//! Nothing here holds a name: relocations refer to the names in a function's params by index.

use crate::ir::{NameRef, Params, TrapCode};
use crate::machine::srclocs::SrcLocs;
use crate::named_enum;
use serde::{Deserialize, Serialize};

named_enum! {
    /// A symbol that generated code refers to by itself; the text is its linker name. CLIF has names for
    /// the first of them, up to `ElfGlobalOffsetTable`.
    #[derive(Serialize, Deserialize)]
    LibCall {
        CeilF32 "ceilf", CeilF64 "ceil", FloorF32 "floorf", FloorF64 "floor",
        TruncF32 "truncf", TruncF64 "trunc", NearestF32 "nearbyintf", NearestF64 "nearbyint",
        FmaF32 "fmaf", FmaF64 "fma",
        Memcpy "memcpy", Memmove "memmove", Memset "memset", Memcmp "memcmp",
        Probestack "__cranelift_probestack",
        ElfTlsGetAddr "__tls_get_addr", ElfTlsGetOffset "__tls_get_offset",
        ElfGlobalOffsetTable "_GLOBAL_OFFSET_TABLE_",
        UdivI128 "__udivti3", SdivI128 "__divti3", UremI128 "__umodti3", SremI128 "__modti3",
        FloatI128F32 "__floattisf", FloatI128F64 "__floattidf",
        FloatU128F32 "__floatuntisf", FloatU128F64 "__floatuntidf",
        FixF32I128 "__fixsfti", FixF64I128 "__fixdfti", FixF32U128 "__fixunssfti", FixF64U128 "__fixunsdfti",
        TlvBootstrap "_tlv_bootstrap",
    }
}

impl LibCall {
    /// The one that CLIF text calls by this name, as in `%CeilF32`: names are those of the variants,
    /// and what comes after the global offset table has none.
    pub fn from_clif(name: &str) -> Option<Self> {
        let named = &Self::ALL[..=LibCall::ElfGlobalOffsetTable as usize];
        named.iter().copied().find(|call| format!("{call:?}") == name)
    }
}

/// What a relocation refers to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, Serialize, Deserialize)]
pub enum SymbolRef {
    /// A name in the function's params.
    Name(NameRef),
    /// A library routine.
    LibCall(LibCall),
}

impl SymbolRef {
    const LIBCALL: u32 = 1 << 31;

    /// In one word.
    #[inline]
    pub fn pack(self) -> u32 {
        match self {
            SymbolRef::Name(name) => name.0,
            SymbolRef::LibCall(call) => call as u32 | Self::LIBCALL,
        }
    }

    /// From a word made by [`SymbolRef::pack`].
    #[inline]
    pub fn unpack(word: u32) -> Self {
        if word & Self::LIBCALL != 0 {
            SymbolRef::LibCall(LibCall::from_code(word as u16))
        } else {
            SymbolRef::Name(NameRef(word))
        }
    }
}

named_enum! {
    /// Kinds of relocation, by what is computed; the object writer has their numbers in each format.
    #[derive(Serialize, Deserialize)]
    RelocKind {
        /// 64-bit absolute address.
        Abs64 "abs64",
        /// 32-bit distance from the field.
        Rel32 "rel32",
        /// The same, in an instruction that ends with the field.
        X86Pc32 "pc32",
        /// The same in one that ends a byte later.
        X86Pc32Imm1 "pc32_imm1",
        /// The same in one that ends two bytes later.
        X86Pc32Imm2 "pc32_imm2",
        /// The same in one that ends four bytes later.
        X86Pc32Imm4 "pc32_imm4",
        /// The same, of a call.
        X86Plt32 "plt32",
        /// Distance to the symbol's GOT entry, in an instruction with a REX prefix.
        X86RexGotPcRelX "rex_gotpcrelx",
        /// The same without a REX prefix, as in `call *sym@GOTPCREL(%rip)`.
        X86GotPcRelX "gotpcrelx",
        /// Distance to the general-dynamic TLS pair.
        X86TlsGd "tlsgd",
        /// Distance to the GOT entry with the thread-pointer offset.
        X86GotTpOff "gottpoff",
        /// 32-bit thread-pointer offset.
        X86TpOff32 "tpoff32",
        /// Distance to the pointer to a Mach-O thread variable's descriptor.
        X86Tlv "tlv",
        /// Distance of a call, in words.
        Aarch64Call26 "call26",
        /// The same of a jump.
        Aarch64Jump26 "jump26",
        /// Distance in pages, for `adrp`.
        Aarch64Page21 "page21",
        /// Offset in the page, for `add`.
        Aarch64AddLo12 "add_lo12",
        /// Offset in the page, for an access of one byte.
        Aarch64Ldst8Lo12 "ldst8_lo12",
        /// The same of two bytes.
        Aarch64Ldst16Lo12 "ldst16_lo12",
        /// The same of four bytes.
        Aarch64Ldst32Lo12 "ldst32_lo12",
        /// The same of eight bytes.
        Aarch64Ldst64Lo12 "ldst64_lo12",
        /// The same of sixteen bytes.
        Aarch64Ldst128Lo12 "ldst128_lo12",
        /// Distance in pages to the symbol's GOT entry.
        Aarch64GotPage21 "got_page21",
        /// Offset of the GOT entry in its page, for a load.
        Aarch64GotLo12 "got_lo12",
        /// Distance in pages to the TLS descriptor.
        Aarch64TlsDescPage21 "tlsdesc_page21",
        /// Its offset in the page, for the load of its function.
        Aarch64TlsDescLdLo12 "tlsdesc_ld_lo12",
        /// The same for `add`.
        Aarch64TlsDescAddLo12 "tlsdesc_add_lo12",
        /// Marks the call of the descriptor's function for linkers.
        Aarch64TlsDescCall "tlsdesc_call",
        /// Distance in pages to the GOT entry with the thread-pointer offset.
        Aarch64TlsIePage21 "gottprel_page21",
        /// Its offset in the page, for a load.
        Aarch64TlsIeLo12 "gottprel_lo12",
        /// Bits 12 to 23 of the thread-pointer offset.
        Aarch64TlsLeHi12 "tprel_hi12",
        /// Its low twelve bits.
        Aarch64TlsLeLo12 "tprel_lo12",
        /// Distance in pages to the pointer to a Mach-O thread variable's descriptor.
        Aarch64TlvPage21 "tlvp_page21",
        /// Offset of the pointer in its page, for a load.
        Aarch64TlvLo12 "tlvp_lo12",
        /// 32-bit distance in halfwords.
        S390Pc32Dbl "pc32dbl",
        /// The same, of a call.
        S390Plt32Dbl "plt32dbl",
        /// The same to the symbol's GOT entry.
        S390GotEnt "gotent",
        /// The same to the GOT.
        S390GotPcDbl "gotpcdbl",
        /// 64-bit offset in the GOT of the general-dynamic TLS pair.
        S390TlsGd64 "tlsgd64",
        /// Marks the call of `__tls_get_offset` for linkers.
        S390TlsGdCall "tlsgdcall",
        /// 32-bit distance in halfwords to the GOT entry with the thread-pointer offset.
        S390TlsIeEnt "tlsieent",
        /// 64-bit thread-pointer offset.
        S390TlsLe64 "tlsle64",
    }
}

/// A relocation.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Reloc {
    /// Byte offset of the field in the code.
    pub offset: u32,
    /// What is computed.
    pub kind: RelocKind,
    /// Of which symbol.
    pub symbol: SymbolRef,
    /// Plus this.
    pub addend: i64,
}

/// An instruction that can trap.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TrapSite {
    /// Offset of its first byte.
    pub offset: u32,
    /// What it means.
    pub code: TrapCode,
}

/// A change of the frame, after the instruction that ends at some offset. Registers are DWARF numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum UnwindOp {
    /// The canonical frame address is now `register + offset`.
    DefCfa {
        /// DWARF register number.
        register: u16,
        /// Bytes.
        offset: u32,
    },
    /// The canonical frame address is now this far from the same register.
    CfaOffset(i32),
    /// A register is saved at the canonical frame address plus `offset` (negative).
    SaveRegister {
        /// DWARF register number.
        register: u16,
        /// Bytes from the canonical frame address.
        offset: i32,
    },
    /// A register has its value on entry again.
    RestoreRegister(u16),
    /// From now on the return address is signed if it was not, and not if it was.
    NegateReturnAddressState,
    /// Remember the state (before an epilogue in mid-function).
    RememberState,
    /// Go back to the remembered state (after it).
    RestoreState,
}

/// Where an exception thrown by a call goes. The payload words are in the first result registers, and no
/// register but the stack pointer has the value it had before the call.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Handler {
    /// The call's return address, as offset.
    pub return_offset: u32,
    /// The exceptions it takes; `None` for all.
    pub tag: Option<u32>,
    /// Offset of the handler.
    pub offset: u32,
}

/// The machine code of one function.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct CompiledStencil {
    /// Instructions, then constants and tables.
    #[serde(with = "serde_bytes")]
    pub code: Vec<u8>,
    /// Length of the instructions alone.
    pub text_len: u32,
    /// Alignment in bytes: a power of two.
    pub align: u32,
    /// Relocations, by offset.
    pub relocs: Vec<Reloc>,
    /// Trap sites, by offset.
    pub traps: Vec<TrapSite>,
    /// Where code of which source location begins.
    pub srclocs: SrcLocs,
    /// Exception handlers, by the return address of their call and then in order of the text.
    pub handlers: Vec<Handler>,
    /// Frame changes, by the offset of the instruction's end.
    pub unwind: Vec<(u32, UnwindOp)>,
    /// Bytes from the stack pointer, after the prologue, up to the canonical frame address.
    pub frame_size: u32,
}

impl CompiledStencil {
    /// Checks what holds of every stencil; the error says what does not.
    pub fn check(&self) -> Result<(), String> {
        let ascending = |offsets: &mut dyn Iterator<Item = u32>, what: &str| {
            let mut last = 0;
            for offset in offsets {
                if offset < last || offset as usize > self.code.len() {
                    return Err(format!(
                        "{what} at {offset} after one at {last}, in code of {}",
                        self.code.len()
                    ));
                }
                last = offset;
            }
            Ok(())
        };
        ascending(&mut self.relocs.iter().map(|reloc| reloc.offset), "a relocation")?;
        ascending(&mut self.traps.iter().map(|trap| trap.offset), "a trap site")?;
        ascending(&mut self.unwind.iter().map(|op| op.0), "a change of the frame")?;
        ascending(&mut self.handlers.iter().map(|handler| handler.return_offset), "a handler")?;
        match self.align.is_power_of_two() && self.text_len as usize <= self.code.len() {
            true => Ok(()),
            false => Err(format!("alignment {}, {} bytes of instructions", self.align, self.text_len)),
        }
    }
}

/// A compiled function: its code, and the names and positions that go with it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CompiledFunction {
    /// Names and positions.
    pub params: Params,
    /// Machine code.
    pub code: CompiledStencil,
}
