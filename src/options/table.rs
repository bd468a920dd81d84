//! The table of settings, and [`Flags`], which holds a value for each of its rows.
//!
//! To add a setting, add a row: accessor, parsing, listing and encoding follow from it.
//!
//! Invariant: on every target, a setting is read by some code outside `options/`, or its row has a
//! `no_effect` clause that says why not. `tests/settings.rs` holds the table to that in both directions, so
//! that a clause goes when its reason does.

use super::target::Arch;

/// The kind of a setting's values.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// True or false.
    Bool,
    /// A number up to 255.
    Number,
    /// One of these words.
    Choice(&'static [&'static str]),
}

/// A setting: a row of the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Setting {
    /// Its name, the same as in Cranelift.
    pub name: &'static str,
    /// Its effect, in one line.
    pub doc: &'static str,
    /// The architecture that has it; `None` for all.
    pub arch: Option<Arch>,
    /// Where it is accepted for compatibility only.
    pub no_effect: &'static [NoEffect],
    /// The kind of its values.
    pub kind: Kind,
    /// Its default value, encoded.
    pub default: u8,
}

/// Targets on which a setting changes nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NoEffect {
    /// Their architectures.
    pub on: &'static [Arch],
    /// The reason, to be read after "because".
    pub because: &'static str,
}

/// A type of values that are encoded in a byte.
trait Encoded {
    const KIND: Kind;
    fn decode(byte: u8) -> Self;
}

impl Encoded for bool {
    const KIND: Kind = Kind::Bool;
    #[inline]
    fn decode(byte: u8) -> Self {
        byte != 0
    }
}

impl Encoded for u8 {
    const KIND: Kind = Kind::Number;
    #[inline]
    fn decode(byte: u8) -> Self {
        byte
    }
}

/// Defines the type of a setting whose value is one of several words.
macro_rules! choice {
    ($(#[$attr:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$attr])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum $name { $($(#[$doc])* $variant,)* }
        impl Encoded for $name {
            const KIND: Kind = Kind::Choice(&[$($word),*]);
            #[inline]
            fn decode(byte: u8) -> Self {
                [$($name::$variant),*][usize::from(byte)]
            }
        }
    };
}

choice! {
    /// The optimisation level.
    OptLevel {
        /// Minimise compile time.
        None = "none",
        /// Optimise for speed.
        Speed = "speed",
        /// Optimise for speed, and for size where that costs little speed.
        SpeedAndSize = "speed_and_size",
    }
}

choice! {
    /// The register allocator.
    RegallocAlgorithm {
        /// Slower, generates better code.
        Backtracking = "backtracking",
        /// Faster, generates more spills and moves.
        SinglePass = "single_pass",
    }
}

choice! {
    /// How thread-local variables are accessed.
    TlsModel {
        /// Thread-local variables are not supported.
        None = "none",
        /// ELF general dynamic: variables of any module.
        ElfGd = "elf_gd",
        /// ELF initial exec: variables of modules that are loaded when the program starts.
        ElfIe = "elf_ie",
        /// ELF local exec: variables of the executable that the code is linked into.
        ElfLe = "elf_le",
        /// Mach-O thread variables.
        Macho = "macho",
        /// COFF's model.
        Coff = "coff",
    }
}

choice! {
    /// What `stack_switch` does.
    StackSwitchModel {
        /// There is no `stack_switch`.
        None = "none",
        /// Saves registers, switches stacks and jumps.
        Basic = "basic",
        /// Also updates Windows' thread information block.
        UpdateWindowsTib = "update_windows_tib",
    }
}

choice! {
    /// The calling convention of library routines. Cranelift's other values are refused: they would be
    /// promises that no routine keeps.
    LibcallCallConv {
        /// The target's default convention.
        IsaDefault = "isa_default",
        /// `system_v`, which for routines, whose arguments are all in registers, is every target's own.
        SystemV = "system_v",
    }
}

choice! {
    /// How functions with large frames touch the pages of their frame.
    ProbestackStrategy {
        /// By a call of `__cranelift_probestack`.
        Outline = "outline",
        /// By stores in the prologue.
        Inline = "inline",
    }
}

/// Defines the table, and [`Flags`] with an accessor for each row.
macro_rules! settings {
    ($( $arch:expr => {
        $( $name:ident: $ty:ty = $default:expr, $doc:literal $(, no_effect($on:expr, $because:expr))*; )*
    } )*) => {
        /// All settings.
        pub const SETTINGS: &[Setting] = &[$($(
            Setting {
                name: stringify!($name),
                doc: $doc,
                arch: $arch,
                no_effect: &[$(NoEffect { on: &$on, because: $because }),*],
                kind: <$ty as Encoded>::KIND,
                default: $default as u8,
            },
        )*)*];

        /// Row numbers in [`SETTINGS`].
        #[allow(non_camel_case_types, reason = "names of settings")]
        enum Row { $($($name,)*)* }

        /// The value of every setting, for one architecture.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub struct Flags {
            arch: Arch,
            pub(super) values: [u8; SETTINGS.len()],
        }

        impl Flags {
            /// The default of every setting.
            pub(super) fn defaults(arch: Arch) -> Self {
                let values = std::array::from_fn(|row| SETTINGS[row].default);
                Flags { arch, values }
            }

            /// The architecture of the target.
            pub fn arch(&self) -> Arch {
                self.arch
            }

            $($(
                #[doc = $doc]
                #[inline]
                pub fn $name(&self) -> $ty {
                    <$ty as Encoded>::decode(self.values[Row::$name as usize])
                }
            )*)*
        }
    };
}

/// Why an extension of an instruction set is not used.
const UNUSED: &str = "no instruction of this extension is selected yet";

settings! {
    None => {
        opt_level: OptLevel = OptLevel::None, "How hard to try to make good code",
            no_effect(Arch::ALL, "no pass optimises yet");
        regalloc_algorithm: RegallocAlgorithm = RegallocAlgorithm::Backtracking, "Register allocator";
        regalloc_checker: bool = false, "Prove each register allocation right (slow)";
        regalloc_verbose_logs: bool = false, "Log what the register allocator decides",
            no_effect(Arch::ALL, "`build --dump regalloc` shows what the allocator decided");
        enable_verifier: bool = true, "Verify the input";
        enable_alias_analysis: bool = true, "Optimise loads and stores across instructions",
            no_effect(Arch::ALL, "no pass moves or removes loads and stores yet");
        is_pic: bool = true, "Position-independent code";
        use_colocated_libcalls: bool = false, "Reach library functions directly, as if linked in",
            no_effect([Arch::Aarch64, Arch::S390x], "all calls of library functions have one form");
        libcall_call_conv: LibcallCallConv = LibcallCallConv::IsaDefault,
            "Calling convention of library functions",
            no_effect(Arch::ALL, "library functions have the convention of the target");
        tls_model: TlsModel = TlsModel::ElfGd, "How thread-local variables are reached";
        stack_switch_model: StackSwitchModel = StackSwitchModel::None, "What `stack_switch` does",
            no_effect(Arch::ALL, "`stack_switch` is not supported yet");
        unwind_info: bool = true, "Write tables for debuggers and exceptions (.eh_frame)";
        enable_compact_unwind_abi: bool = false, "Frames that Mach-O compact unwind entries can describe",
            no_effect([Arch::X86_64, Arch::S390x], "only aarch64 lays out frames for them");
        preserve_frame_pointers: bool = false, "Keep a frame pointer, in leaf functions too";
        enable_pinned_reg: bool = false, "Set a register aside for `get_pinned_reg` and `set_pinned_reg`";
        enable_multi_ret_implicit_sret: bool = false, "Return results through memory when registers run out";
        enable_llvm_abi_extensions: bool = false, "Allow LLVM's extensions of calling conventions";
        enable_nan_canonicalization: bool = false, "Make every NaN that arithmetic yields the same one";
        enable_probestack: bool = false, "Touch every page of a large frame on entry";
        probestack_size_log2: u8 = 12, "Base-2 logarithm of the guard area's size";
        probestack_strategy: ProbestackStrategy = ProbestackStrategy::Outline, "How frames are probed";
        log2_min_function_alignment: u8 = 0, "Base-2 logarithm of the least alignment of functions";
        bb_padding_log2_minus_one: u8 = 0,
            "Pad blocks to test far branches: by 2^(value - 1) bytes, at most 128 MiB";
        machine_code_cfg_info: bool = false, "Report the control-flow graph of machine code",
            no_effect(Arch::ALL, "objects have no place for control-flow graphs");
        enable_heap_access_spectre_mitigation: bool = true,
            "Guard bounds checks of heaps against speculation",
            no_effect(Arch::ALL, "CLIF has no heaps: front ends write the bounds checks");
        enable_table_access_spectre_mitigation: bool = true,
            "Guard the table lookups of `br_table` against speculation",
            no_effect([Arch::X86_64, Arch::S390x], "only aarch64 guards `br_table`");
        enable_incremental_compilation_cache_checks: bool = false,
            "Compile what the cache has too, and compare (as `--check-cache`)";
    }
    Some(Arch::X86_64) => {
        has_sse3: bool = false, "SSE3", no_effect(Arch::ALL, UNUSED);
        has_ssse3: bool = false, "SSSE3", no_effect(Arch::ALL, UNUSED);
        has_cmpxchg16b: bool = false, "CMPXCHG16B";
        has_sse41: bool = false, "SSE4.1";
        has_sse42: bool = false, "SSE4.2", no_effect(Arch::ALL, UNUSED);
        has_avx: bool = false, "AVX";
        has_avx2: bool = false, "AVX2", no_effect(Arch::ALL, UNUSED);
        has_fma: bool = false, "FMA";
        has_avx_vnni: bool = false, "AVX-VNNI", no_effect(Arch::ALL, UNUSED);
        has_avx512bitalg: bool = false, "AVX512BITALG", no_effect(Arch::ALL, UNUSED);
        has_avx512dq: bool = false, "AVX512DQ", no_effect(Arch::ALL, UNUSED);
        has_avx512vl: bool = false, "AVX512VL", no_effect(Arch::ALL, UNUSED);
        has_avx512vbmi: bool = false, "AVX512VBMI", no_effect(Arch::ALL, UNUSED);
        has_avx512f: bool = false, "AVX512F", no_effect(Arch::ALL, UNUSED);
        has_avx512vnni: bool = false, "AVX512VNNI", no_effect(Arch::ALL, UNUSED);
        has_popcnt: bool = false, "POPCNT";
        has_bmi1: bool = false, "BMI1";
        has_bmi2: bool = false, "BMI2";
        has_lzcnt: bool = false, "LZCNT";
    }
    Some(Arch::Aarch64) => {
        has_lse: bool = false, "Atomic instructions (FEAT_LSE)";
        has_pauth: bool = false, "Pointer authentication beyond hints (FEAT_PAuth)";
        has_fp16: bool = false, "Half-precision arithmetic (FEAT_FP16)", no_effect(Arch::ALL, UNUSED);
        has_dotprod: bool = false, "Dot products of bytes (FEAT_DotProd)", no_effect(Arch::ALL, UNUSED);
        has_i8mm: bool = false, "Dot products of mixed signs (FEAT_I8MM)", no_effect(Arch::ALL, UNUSED);
        sign_return_address: bool = false, "Sign return addresses that are stored";
        sign_return_address_all: bool = false, "Sign the return addresses of all functions";
        sign_return_address_with_bkey: bool = false, "Sign with key B instead of A";
        use_bti: bool = false, "Mark branch targets (FEAT_BTI)";
        use_csdb: bool = false, "Guard speculation with `csdb`";
    }
    Some(Arch::S390x) => {
        has_mie3: bool = false, "Miscellaneous instruction extensions 3 (z15)";
        has_vxrs_ext2: bool = false, "Vector enhancements 2 (z15)", no_effect(Arch::ALL, UNUSED);
        has_mie4: bool = false, "Miscellaneous instruction extensions 4 (z17)", no_effect(Arch::ALL, UNUSED);
        has_vxrs_ext3: bool = false, "Vector enhancements 3 (z17)", no_effect(Arch::ALL, UNUSED);
    }
}
