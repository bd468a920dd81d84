//! The table of settings, and [`Flags`], which holds a value for each row.
//!
//! To add a setting, add a row. Its accessor, parsing, listing and encoding follow from it.
//!
//! Invariant: on every target, either some code outside `options/` reads a setting, or its row has a
//! `no_effect` clause that says why not. `tests/settings.rs` checks this, and that no clause outlives its
//! reason.

use super::target::Arch;

/// The values that a setting takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// `true` or `false`.
    Bool,
    /// A number from 0 to 255.
    Number,
    /// One of these words.
    Choice(&'static [&'static str]),
}

/// A setting: a row of the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Setting {
    /// The name, which is Cranelift's.
    pub name: &'static str,
    /// A description in a line, for listings.
    pub doc: &'static str,
    /// The architecture that has the setting; `None` if all have it.
    pub arch: Option<Arch>,
    /// The targets on which the setting is accepted for compatibility only.
    pub no_effect: &'static [NoEffect],
    /// The values that the setting takes.
    pub kind: Kind,
    /// The default value, encoded.
    pub default: u8,
}

/// Targets on which a setting has no effect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NoEffect {
    /// The architectures of the targets.
    pub on: &'static [Arch],
    /// The reason, as a clause that could follow "because".
    pub because: &'static str,
}

/// A type of settings, whose values are encoded in a byte.
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

/// Defines the type of a setting whose values are words.
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
    /// What to optimise for.
    OptLevel {
        /// Short compile time.
        None = "none",
        /// Fast code.
        Speed = "speed",
        /// Fast code, and small code where that costs little.
        SpeedAndSize = "speed_and_size",
    }
}

choice! {
    /// The register allocator.
    RegallocAlgorithm {
        /// regalloc2's backtracking allocator: for comparison.
        Backtracking = "backtracking",
        /// regalloc2's single-pass allocator: for comparison; more spills and moves.
        SinglePass = "single_pass",
        /// clifc's own allocator: several times faster than `backtracking`, and better code.
        Priority = "priority",
    }
}

choice! {
    /// How thread-local variables are accessed.
    TlsModel {
        /// They are not supported.
        None = "none",
        /// ELF general dynamic: for variables in any module.
        ElfGd = "elf_gd",
        /// ELF initial exec: for variables in modules that are loaded at program start.
        ElfIe = "elf_ie",
        /// ELF local exec: for variables in the executable that contains the code.
        ElfLe = "elf_le",
        /// Mach-O thread variables.
        Macho = "macho",
        /// COFF's model.
        Coff = "coff",
    }
}

choice! {
    /// How `stack_switch` switches stacks.
    StackSwitchModel {
        /// It is not supported.
        None = "none",
        /// Saves registers, switches the stack pointer and jumps.
        Basic = "basic",
        /// Like `basic`, and updates the thread information block of Windows.
        UpdateWindowsTib = "update_windows_tib",
    }
}

choice! {
    /// The calling convention of library functions. Cranelift's other values are rejected, as no library
    /// function has such a convention.
    LibcallCallConv {
        /// The default convention of the target.
        IsaDefault = "isa_default",
        /// `system_v`. It is the same for library functions, all of whose arguments are in registers.
        SystemV = "system_v",
    }
}

choice! {
    /// How the prologue of a large frame touches the pages of the frame.
    ProbestackStrategy {
        /// By a call of `__cranelift_probestack`.
        Outline = "outline",
        /// By stores.
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

        /// The index of each row.
        #[allow(non_camel_case_types, reason = "names of settings")]
        enum Index { $($($name,)*)* }

        /// The value of every setting, for one architecture.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub struct Flags {
            arch: Arch,
            pub(super) macos: bool,
            pub(super) landing_pads: bool,
            pub(super) values: [u8; SETTINGS.len()],
        }

        impl Flags {
            /// The default value of every setting.
            pub(super) fn defaults(arch: Arch) -> Self {
                let values = std::array::from_fn(|row| SETTINGS[row].default);
                Flags { arch, macos: false, landing_pads: false, values }
            }

            /// The architecture of the target.
            pub fn arch(&self) -> Arch {
                self.arch
            }

            /// Whether calls with exception handlers get landing pads for the system's unwinder, because the
            /// file names a personality.
            pub fn has_landing_pads(&self) -> bool {
                self.landing_pads
            }

            /// Whether the target is macOS.
            pub fn is_macos(&self) -> bool {
                self.macos
            }

            $($(
                #[doc = $doc]
                #[inline]
                pub fn $name(&self) -> $ty {
                    <$ty as Encoded>::decode(self.values[Index::$name as usize])
                }
            )*)*
        }
    };
}

/// Why an extension has no effect.
const UNUSED: &str = "no instruction of this extension is selected yet";

settings! {
    None => {
        opt_level: OptLevel = OptLevel::None, "What to optimise for";
        regalloc_algorithm: RegallocAlgorithm = RegallocAlgorithm::Priority, "Register allocator";
        regalloc_checker: bool = false, "Verify each register allocation (slow)";
        regalloc_verbose_logs: bool = false, "Log the decisions of the register allocator",
            no_effect(Arch::ALL, "`build --dump regalloc` shows its result");
        enable_verifier: bool = true, "Verify the input";
        enable_alias_analysis: bool = true,
            "Replace, remove and move loads and stores by what is known of memory (with `opt_level`)";
        is_pic: bool = true, "Generate position-independent code";
        use_colocated_libcalls: bool = false,
            "Call library functions directly, as if they were in the same linked unit",
            no_effect([Arch::Aarch64, Arch::S390x], "calls of library functions have only one form there");
        libcall_call_conv: LibcallCallConv = LibcallCallConv::IsaDefault,
            "Calling convention of library functions",
            no_effect(Arch::ALL, "library functions have the convention of the target in either case");
        tls_model: TlsModel = TlsModel::ElfGd, "How thread-local variables are accessed";
        stack_switch_model: StackSwitchModel = StackSwitchModel::Basic, "How `stack_switch` switches stacks";
        unwind_info: bool = true, "Write unwind tables for debuggers and exceptions (.eh_frame)";
        enable_compact_unwind_abi: bool = false,
            "Lay out frames so that Mach-O compact unwind entries can describe them",
            no_effect([Arch::X86_64, Arch::S390x], "frames are laid out for them only on aarch64");
        preserve_frame_pointers: bool = false, "Keep a frame pointer in every function";
        enable_pinned_reg: bool = false, "Reserve a register for `get_pinned_reg` and `set_pinned_reg`";
        enable_multi_ret_implicit_sret: bool = false,
            "Return results in memory when there are more than registers";
        enable_llvm_abi_extensions: bool = false, "Allow LLVM's extensions to calling conventions";
        enable_nan_canonicalization: bool = false, "Replace NaN results of arithmetic by a single NaN";
        enable_probestack: bool = false, "Touch every page of a large frame in the prologue";
        probestack_size_log2: u8 = 12, "Base-2 logarithm of the size of the guard area";
        probestack_strategy: ProbestackStrategy = ProbestackStrategy::Outline,
            "How the pages of a large frame are touched";
        log2_min_function_alignment: u8 = 0, "Base-2 logarithm of the minimum alignment of functions";
        bb_padding_log2_minus_one: u8 = 0,
            "Pad blocks by 2^(value - 1) bytes, at most 128 MiB, to test far branches";
        machine_code_cfg_info: bool = false, "Report the control-flow graph of machine code",
            no_effect(Arch::ALL, "objects have no place for control-flow graphs");
        enable_heap_access_spectre_mitigation: bool = true,
            "Guard bounds checks of heaps against speculation",
            no_effect(Arch::ALL, "CLIF has no heaps: front ends emit the bounds checks");
        enable_table_access_spectre_mitigation: bool = true,
            "Guard the table lookups of `br_table` against speculation",
            no_effect([Arch::X86_64, Arch::S390x], "`br_table` is guarded only on aarch64");
        enable_incremental_compilation_cache_checks: bool = false,
            "Compile functions that the cache has, too, and compare (as `--check-cache`)";
    }
    Some(Arch::X86_64) => {
        has_sse3: bool = false, "SSE3", no_effect(Arch::ALL, UNUSED);
        has_ssse3: bool = false, "SSSE3";
        has_cmpxchg16b: bool = false, "CMPXCHG16B";
        has_sse41: bool = false, "SSE4.1";
        has_sse42: bool = false, "SSE4.2";
        has_avx: bool = false, "AVX";
        has_avx2: bool = false, "AVX2";
        has_fma: bool = false, "FMA";
        has_f16c: bool = false, "F16C: conversions of half precision";
        has_avx_vnni: bool = false, "AVX-VNNI", no_effect(Arch::ALL, "the form of AVX512VNNI is selected");
        has_avx512bitalg: bool = false, "AVX512BITALG";
        has_avx512dq: bool = false, "AVX512DQ";
        has_avx512vl: bool = false, "AVX512VL";
        has_avx512vbmi: bool = false, "AVX512VBMI";
        has_avx512f: bool = false, "AVX512F";
        has_avx512vnni: bool = false, "AVX512VNNI";
        has_popcnt: bool = false, "POPCNT";
        has_bmi1: bool = false, "BMI1";
        has_bmi2: bool = false, "BMI2";
        has_lzcnt: bool = false, "LZCNT";
    }
    Some(Arch::Aarch64) => {
        has_lse: bool = false, "Atomic instructions (FEAT_LSE)";
        has_pauth: bool = false, "Pointer authentication instructions other than hints (FEAT_PAuth)";
        has_fp16: bool = false, "Half-precision arithmetic (FEAT_FP16)";
        has_dotprod: bool = false, "Dot products of bytes (FEAT_DotProd)", no_effect(Arch::ALL, UNUSED);
        has_i8mm: bool = false, "Dot products of mixed signs (FEAT_I8MM)", no_effect(Arch::ALL, UNUSED);
        sign_return_address: bool = false, "Sign return addresses that are stored on the stack";
        sign_return_address_all: bool = false, "Sign the return addresses of all functions";
        sign_return_address_with_bkey: bool = false, "Sign return addresses with key B instead of A";
        use_bti: bool = false, "Mark the targets of indirect branches (FEAT_BTI)";
        use_csdb: bool = false, "Use `csdb` in guards against speculation";
    }
    Some(Arch::S390x) => {
        has_mie3: bool = false, "Miscellaneous instruction extensions 3 (z15)";
        has_vxrs_ext2: bool = false, "Vector enhancements 2 (z15)";
        has_mie4: bool = false, "Miscellaneous instruction extensions 4 (z17)", no_effect(Arch::ALL, UNUSED);
        has_vxrs_ext3: bool = false, "Vector enhancements 3 (z17)", no_effect(Arch::ALL, UNUSED);
    }
}
