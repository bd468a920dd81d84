//! The symbols that machine code refers to: names of the source, and library routines.
//!
//! No name is stored here. A stencil refers to the names in its function's params by index, so that functions
//! which differ only in names compile to the same bytes.

use crate::ir::NameRef;
use crate::named_enum;
use serde::{Deserialize, Serialize};

named_enum! {
    /// A symbol that generated code refers to of its own accord; the text is its linker name. CLIF can name
    /// those up to `ElfGlobalOffsetTable`.
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
        AddF128 "__addtf3", SubF128 "__subtf3", MulF128 "__multf3", DivF128 "__divtf3",
        EqF128 "__eqtf2", LtF128 "__lttf2", LeF128 "__letf2", GtF128 "__gttf2", GeF128 "__getf2",
        UnordF128 "__unordtf2",
        PromoteF32F128 "__extendsftf2", PromoteF64F128 "__extenddftf2",
        DemoteF128F32 "__trunctfsf2", DemoteF128F64 "__trunctfdf2",
        FloatI64F128 "__floatditf", FloatU64F128 "__floatunditf",
        FloatI128F128 "__floattitf", FloatU128F128 "__floatuntitf",
        FixF128I64 "__fixtfdi", FixF128U64 "__fixunstfdi",
        FixF128I128 "__fixtfti", FixF128U128 "__fixunstfti",
        SqrtF128 "sqrtf128", FmaF128 "fmaf128", CeilF128 "ceilf128", FloorF128 "floorf128",
        TruncF128 "truncf128", NearestF128 "nearbyintf128",
        SqrtLong "sqrtl", FmaLong "fmal", CeilLong "ceill", FloorLong "floorl", TruncLong "truncl",
        NearestLong "nearbyintl",
        TlvBootstrap "_tlv_bootstrap",
        AtomicLoad16 "__atomic_load_16", AtomicStore16 "__atomic_store_16",
        AtomicExchange16 "__atomic_exchange_16", AtomicCompareExchange16 "__atomic_compare_exchange_16",
        AtomicFetchAdd16 "__atomic_fetch_add_16", AtomicFetchSub16 "__atomic_fetch_sub_16",
        AtomicFetchAnd16 "__atomic_fetch_and_16", AtomicFetchOr16 "__atomic_fetch_or_16",
        AtomicFetchXor16 "__atomic_fetch_xor_16", AtomicFetchNand16 "__atomic_fetch_nand_16",
    }
}

impl LibCall {
    /// The routine that CLIF calls by this name, as in `%CeilF32`. Its names are those of the variants;
    /// routines after the global offset table have none.
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
    /// A library routine, or another symbol that the source does not name.
    LibCall(LibCall),
}

impl SymbolRef {
    const LIBCALL: u32 = 1 << 31;

    /// Packs the reference into one word.
    #[inline]
    pub fn pack(self) -> u32 {
        match self {
            SymbolRef::Name(name) => name.0,
            SymbolRef::LibCall(call) => call as u32 | Self::LIBCALL,
        }
    }

    /// Unpacks a word made by [`SymbolRef::pack`].
    #[inline]
    pub fn unpack(word: u32) -> Self {
        if word & Self::LIBCALL != 0 {
            SymbolRef::LibCall(LibCall::from_code(word as u16))
        } else {
            SymbolRef::Name(NameRef(word))
        }
    }
}
