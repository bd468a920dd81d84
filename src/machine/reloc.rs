//! Relocations: the fields of machine code that the linker fills in.
//!
//! A [`RelocKind`] is only a name for what is computed. Encoders choose it and the object writer has its
//! number in each format; nothing between them looks at it. This list is the one place in `machine/`
//! that mentions targets: one table of all kinds lets each object format be checked to have a row for every
//! kind.

use crate::machine::symbol::SymbolRef;
use crate::named_enum;
use serde::{Deserialize, Serialize};

named_enum! {
    /// A kind of relocation: what is computed.
    #[derive(Serialize, Deserialize)]
    RelocKind {
        /// Nothing: only says that the symbol's section is needed.
        Needed "needed",
        /// The 64-bit address of the symbol.
        Abs64 "abs64",
        /// The 32-bit offset in a debug section.
        Abs32 "abs32",
        /// The 32-bit distance from the field to the symbol.
        Rel32 "rel32",
        /// The 32-bit distance to the symbol, in an instruction that ends with the field.
        X86Pc32 "pc32",
        /// The 32-bit distance to the symbol, in an instruction that ends one byte after the field.
        X86Pc32Imm1 "pc32_imm1",
        /// The 32-bit distance to the symbol, in an instruction that ends two bytes after the field.
        X86Pc32Imm2 "pc32_imm2",
        /// The 32-bit distance to the symbol, in an instruction that ends four bytes after the field.
        X86Pc32Imm4 "pc32_imm4",
        /// The 32-bit distance to a function or its PLT entry, for a call or jump.
        X86Plt32 "plt32",
        /// The 32-bit distance to the symbol's GOT entry, in an instruction with a REX prefix.
        X86RexGotPcRelX "rex_gotpcrelx",
        /// The 32-bit distance to the symbol's GOT entry, in an instruction without a REX prefix, as in
        /// `call *sym@GOTPCREL(%rip)`.
        X86GotPcRelX "gotpcrelx",
        /// The 32-bit distance to the GOT entries of the general-dynamic TLS model.
        X86TlsGd "tlsgd",
        /// The 32-bit distance to the GOT entry that holds the thread-pointer offset.
        X86GotTpOff "gottpoff",
        /// The 32-bit thread-pointer offset.
        X86TpOff32 "tpoff32",
        /// The 32-bit distance to the pointer to a Mach-O thread variable's descriptor.
        X86Tlv "tlv",
        /// The 26-bit distance to the target of a call, in words.
        Aarch64Call26 "call26",
        /// The 26-bit distance to the target of a jump, in words.
        Aarch64Jump26 "jump26",
        /// The distance to the symbol's page, for `adrp`.
        Aarch64Page21 "page21",
        /// The symbol's offset in its page, for `add`.
        Aarch64AddLo12 "add_lo12",
        /// The symbol's offset in its page, for an access of one byte.
        Aarch64Ldst8Lo12 "ldst8_lo12",
        /// The symbol's offset in its page, for an access of two bytes.
        Aarch64Ldst16Lo12 "ldst16_lo12",
        /// The symbol's offset in its page, for an access of four bytes.
        Aarch64Ldst32Lo12 "ldst32_lo12",
        /// The symbol's offset in its page, for an access of eight bytes.
        Aarch64Ldst64Lo12 "ldst64_lo12",
        /// The symbol's offset in its page, for an access of sixteen bytes.
        Aarch64Ldst128Lo12 "ldst128_lo12",
        /// The distance to the page of the symbol's GOT entry, for `adrp`.
        Aarch64GotPage21 "got_page21",
        /// The offset of the symbol's GOT entry in its page, for a load.
        Aarch64GotLo12 "got_lo12",
        /// The 32-bit distance from the field to the symbol's GOT entry.
        Aarch64GotRel32 "got_rel32",
        /// The distance to the page of the TLS descriptor, for `adrp`.
        Aarch64TlsDescPage21 "tlsdesc_page21",
        /// The TLS descriptor's offset in its page, for the load of its function.
        Aarch64TlsDescLdLo12 "tlsdesc_ld_lo12",
        /// The TLS descriptor's offset in its page, for `add`.
        Aarch64TlsDescAddLo12 "tlsdesc_add_lo12",
        /// Marks the call of the TLS descriptor's function for linkers.
        Aarch64TlsDescCall "tlsdesc_call",
        /// The distance to the page of the GOT entry that holds the thread-pointer offset, for `adrp`.
        Aarch64TlsIePage21 "gottprel_page21",
        /// The offset in its page of the GOT entry that holds the thread-pointer offset, for a load.
        Aarch64TlsIeLo12 "gottprel_lo12",
        /// Bits 12 to 23 of the thread-pointer offset.
        Aarch64TlsLeHi12 "tprel_hi12",
        /// Bits 0 to 11 of the thread-pointer offset.
        Aarch64TlsLeLo12 "tprel_lo12",
        /// The distance to the page of the pointer to a Mach-O thread variable's descriptor, for `adrp`.
        Aarch64TlvPage21 "tlvp_page21",
        /// The offset in its page of the pointer to a Mach-O thread variable's descriptor, for a load.
        Aarch64TlvLo12 "tlvp_lo12",
        /// The 32-bit distance to the symbol, in halfwords.
        S390Pc32Dbl "pc32dbl",
        /// The 32-bit distance to a function or its PLT entry, in halfwords, for a call or jump.
        S390Plt32Dbl "plt32dbl",
        /// The 32-bit distance to the symbol's GOT entry, in halfwords.
        S390GotEnt "gotent",
        /// The 32-bit distance to the GOT, in halfwords.
        S390GotPcDbl "gotpcdbl",
        /// The 64-bit offset in the GOT of the entries of the general-dynamic TLS model.
        S390TlsGd64 "tlsgd64",
        /// Marks the call of `__tls_get_offset` for linkers.
        S390TlsGdCall "tlsgdcall",
        /// The 32-bit distance to the GOT entry that holds the thread-pointer offset, in halfwords.
        S390TlsIeEnt "tlsieent",
        /// The 64-bit thread-pointer offset.
        S390TlsLe64 "tlsle64",
    }
}

/// A relocation.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Reloc {
    /// Byte offset of the field in the code.
    pub offset: u32,
    /// The kind of relocation.
    pub kind: RelocKind,
    /// The symbol it refers to.
    pub symbol: SymbolRef,
    /// The addend.
    pub addend: i64,
}
