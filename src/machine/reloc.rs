//! Relocations: the fields of machine code that the linker fills in.
//!
//! A [`RelocKind`] is only a name for what is computed. Encoders choose it and the object writer has its number in each
//! format; nothing between them looks at it. This list is the one place of the ground floor that mentions targets: one
//! table of all kinds lets each object format be checked to have a row for every kind.

use crate::machine::symbol::SymbolRef;
use crate::named_enum;
use serde::{Deserialize, Serialize};

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
