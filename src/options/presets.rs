//! Presets: names for sets of settings. Every CPU name is a preset.
//!
//! The names are Cranelift's, which has them from LLVM. A CPU enables the extensions that it has. This
//! includes those that Cranelift omits: AVX for CPUs with FMA or AVX2, and AVX512VL for those with AVX-512.

use super::target::Arch;

/// A named set of settings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Preset {
    /// The name.
    pub name: &'static str,
    /// A description for listings.
    pub doc: &'static str,
    /// The architecture to which the preset belongs.
    pub arch: Arch,
    /// The boolean settings and other presets that it enables.
    pub implies: &'static [&'static str],
}

macro_rules! presets {
    ($( $arch:ident { $( $name:literal, $doc:literal, [$($implied:literal),*]; )* } )*) => {
        /// All presets.
        pub const PRESETS: &[Preset] = &[$($(
            Preset { name: $name, doc: $doc, arch: Arch::$arch, implies: &[$($implied),*] },
        )*)*];
    };
}

presets! {
    X86_64 {
        "sse3", "Up to SSE3", ["has_sse3"];
        "ssse3", "Up to SSSE3", ["sse3", "has_ssse3"];
        "sse41", "Up to SSE4.1", ["ssse3", "has_sse41"];
        "sse42", "Up to SSE4.2", ["sse41", "has_sse42"];
        "baseline", "No extensions", [];
        "x86-64", "Any x86-64", [];
        "generic", "Any x86-64", [];
        "x86-64-v2", "Level 2: SSE4.2, POPCNT, CMPXCHG16B", ["sse42", "has_popcnt", "has_cmpxchg16b"];
        "x86-64-v3", "Level 3: AVX2, BMI, FMA, LZCNT",
            ["x86-64-v2", "has_avx", "has_avx2", "has_bmi1", "has_bmi2", "has_f16c", "has_fma", "has_lzcnt"];
        "x86-64-v4", "Level 4: AVX-512", ["x86-64-v3", "has_avx512f", "has_avx512dq", "has_avx512vl"];

        "nocona", "Intel Nocona", ["sse3", "has_cmpxchg16b"];
        "core2", "Intel Core 2", ["ssse3", "has_cmpxchg16b"];
        "penryn", "Intel Penryn", ["sse41", "has_cmpxchg16b"];
        "atom", "Intel Atom", ["ssse3", "has_cmpxchg16b"];
        "bonnell", "Intel Bonnell", ["atom"];
        "silvermont", "Intel Silvermont", ["atom", "sse42", "has_popcnt"];
        "slm", "Intel Silvermont", ["silvermont"];
        "goldmont", "Intel Goldmont", ["silvermont"];
        "goldmont-plus", "Intel Goldmont Plus", ["goldmont"];
        "tremont", "Intel Tremont", ["goldmont"];
        "alderlake", "Intel Alder Lake", ["x86-64-v3", "has_avx_vnni"];
        "raptorlake", "Intel Raptor Lake", ["alderlake"];
        "meteorlake", "Intel Meteor Lake", ["alderlake"];
        "sierraforest", "Intel Sierra Forest", ["alderlake"];
        "grandridge", "Intel Grand Ridge", ["sierraforest"];
        "nehalem", "Intel Nehalem", ["x86-64-v2"];
        "corei7", "Intel Nehalem", ["nehalem"];
        "westmere", "Intel Westmere", ["nehalem"];
        "sandybridge", "Intel Sandy Bridge", ["westmere", "has_avx"];
        "corei7-avx", "Intel Sandy Bridge", ["sandybridge"];
        "ivybridge", "Intel Ivy Bridge", ["sandybridge"];
        "core-avx-i", "Intel Ivy Bridge", ["ivybridge"];
        "haswell", "Intel Haswell", ["x86-64-v3"];
        "core-avx2", "Intel Haswell", ["haswell"];
        "broadwell", "Intel Broadwell", ["haswell"];
        "skylake", "Intel Skylake", ["broadwell"];
        "knl", "Intel Knights Landing", ["x86-64-v3", "has_avx512f"];
        "knm", "Intel Knights Mill", ["knl"];
        "skylake-avx512", "Intel Skylake with AVX-512", ["x86-64-v4"];
        "skx", "Intel Skylake with AVX-512", ["skylake-avx512"];
        "cascadelake", "Intel Cascade Lake", ["skylake-avx512", "has_avx512vnni"];
        "cooperlake", "Intel Cooper Lake", ["cascadelake"];
        "cannonlake", "Intel Cannon Lake", ["x86-64-v4", "has_avx512vbmi"];
        "icelake-client", "Intel Ice Lake", ["cannonlake", "has_avx512bitalg", "has_avx512vnni"];
        "icelake", "Intel Ice Lake", ["icelake-client"];
        "icelake-server", "Intel Ice Lake, for servers", ["icelake-client"];
        "tigerlake", "Intel Tiger Lake", ["icelake-client"];
        "sapphirerapids", "Intel Sapphire Rapids", ["icelake-server", "has_avx_vnni"];
        "graniterapids", "Intel Granite Rapids", ["sapphirerapids"];

        "opteron", "AMD K8", [];
        "k8", "AMD K8", [];
        "athlon64", "AMD K8", [];
        "athlon-fx", "AMD K8", [];
        "opteron-sse3", "AMD K8 with SSE3", ["sse3", "has_cmpxchg16b"];
        "k8-sse3", "AMD K8 with SSE3", ["sse3", "has_cmpxchg16b"];
        "athlon64-sse3", "AMD K8 with SSE3", ["sse3", "has_cmpxchg16b"];
        "barcelona", "AMD family 10h", ["sse3", "has_popcnt", "has_lzcnt", "has_cmpxchg16b"];
        "amdfam10", "AMD family 10h", ["barcelona"];
        "btver1", "AMD Bobcat", ["ssse3", "has_lzcnt", "has_popcnt", "has_cmpxchg16b"];
        "btver2", "AMD Jaguar", ["btver1", "sse42", "has_avx", "has_bmi1"];
        "bdver1", "AMD Bulldozer", ["x86-64-v2", "has_avx", "has_lzcnt"];
        "bdver2", "AMD Piledriver", ["bdver1", "has_bmi1", "has_fma"];
        "bdver3", "AMD Steamroller", ["bdver2"];
        "bdver4", "AMD Excavator", ["bdver3", "has_avx2", "has_bmi2"];
        "znver1", "AMD Zen", ["x86-64-v3"];
        "znver2", "AMD Zen 2", ["znver1"];
        "znver3", "AMD Zen 3", ["znver2"];
        "znver4", "AMD Zen 4",
            ["znver3", "x86-64-v4", "has_avx512bitalg", "has_avx512vbmi", "has_avx512vnni"];
        "znver5", "AMD Zen 5", ["znver4", "has_avx_vnni"];
    }
    Aarch64 {
        "generic", "Any 64-bit Arm", [];
        "armv8-a", "Armv8.0", [];
        "armv8.1-a", "Armv8.1", ["has_lse"];
        "armv8.2-a", "Armv8.2", ["armv8.1-a"];
        "armv8.3-a", "Armv8.3", ["armv8.2-a", "has_pauth"];
        "armv8.4-a", "Armv8.4", ["armv8.3-a", "has_dotprod"];
        "armv8.5-a", "Armv8.5", ["armv8.4-a"];
        "armv8.6-a", "Armv8.6", ["armv8.5-a", "has_i8mm"];
        "armv8.7-a", "Armv8.7", ["armv8.6-a"];
        "armv9-a", "Armv9.0", ["armv8.5-a", "has_fp16"];
        "armv9.1-a", "Armv9.1", ["armv9-a", "has_i8mm"];
        "armv9.2-a", "Armv9.2", ["armv9.1-a"];

        "cortex-a34", "Arm Cortex-A34", [];
        "cortex-a35", "Arm Cortex-A35", [];
        "cortex-a53", "Arm Cortex-A53", [];
        "cortex-a57", "Arm Cortex-A57", [];
        "cortex-a72", "Arm Cortex-A72", [];
        "cortex-a73", "Arm Cortex-A73", [];
        "cortex-a55", "Arm Cortex-A55", ["armv8.2-a", "has_fp16", "has_dotprod"];
        "cortex-a65", "Arm Cortex-A65", ["cortex-a55"];
        "cortex-a75", "Arm Cortex-A75", ["cortex-a55"];
        "cortex-a76", "Arm Cortex-A76", ["cortex-a55"];
        "cortex-a77", "Arm Cortex-A77", ["cortex-a55"];
        "cortex-a78", "Arm Cortex-A78", ["cortex-a55"];
        "cortex-x1", "Arm Cortex-X1", ["cortex-a55"];
        "cortex-a510", "Arm Cortex-A510", ["armv9-a", "has_i8mm"];
        "cortex-a520", "Arm Cortex-A520", ["armv9.2-a"];
        "cortex-a710", "Arm Cortex-A710", ["armv9-a", "has_i8mm"];
        "cortex-a715", "Arm Cortex-A715", ["armv9-a", "has_i8mm"];
        "cortex-a720", "Arm Cortex-A720", ["armv9.2-a"];
        "cortex-a725", "Arm Cortex-A725", ["armv9.2-a"];
        "cortex-x2", "Arm Cortex-X2", ["armv9-a", "has_i8mm"];
        "cortex-x3", "Arm Cortex-X3", ["armv9-a", "has_i8mm"];
        "cortex-x4", "Arm Cortex-X4", ["armv9.2-a"];
        "cortex-x925", "Arm Cortex-X925", ["armv9.2-a"];

        "neoverse-e1", "Arm Neoverse E1", ["cortex-a55"];
        "neoverse-n1", "Arm Neoverse N1", ["cortex-a55"];
        "neoverse-n2", "Arm Neoverse N2", ["armv9-a", "has_i8mm"];
        "neoverse-n3", "Arm Neoverse N3", ["armv9.2-a"];
        "neoverse-v1", "Arm Neoverse V1", ["armv8.4-a", "has_fp16", "has_i8mm"];
        "neoverse-v2", "Arm Neoverse V2", ["armv9-a", "has_i8mm"];
        "neoverse-v3", "Arm Neoverse V3", ["armv9.2-a"];

        "apple-a13", "Apple A13", ["armv8.4-a", "has_fp16"];
        "apple-a14", "Apple A14", ["apple-a13"];
        "apple-m1", "Apple M1", ["apple-a14"];
        "apple-m2", "Apple M2", ["armv8.6-a", "has_fp16"];
        "apple-m3", "Apple M3", ["apple-m2"];
        "apple-m4", "Apple M4", ["apple-m2"];

        "ampere1", "Ampere AmpereOne", ["armv8.6-a", "has_fp16"];
        "a64fx", "Fujitsu A64FX", ["armv8.2-a", "has_fp16"];
        "thunderx2t99", "Marvell ThunderX2", ["armv8.1-a"];
    }
    S390x {
        "generic", "Any machine from z14 on", [];
        "arch12", "Twelfth edition of z/Architecture", [];
        "z14", "IBM z14", ["arch12"];
        "arch13", "Thirteenth edition of z/Architecture", ["has_mie3", "has_vxrs_ext2"];
        "arch14", "Fourteenth edition of z/Architecture", ["arch13"];
        "arch15", "Fifteenth edition of z/Architecture", ["arch14", "has_mie4", "has_vxrs_ext3"];
        "z15", "IBM z15", ["arch13"];
        "z16", "IBM z16", ["arch14"];
        "z17", "IBM z17", ["arch15"];
    }
}

/// CPUs that lack instructions which all code has, and the oldest one that has them.
pub(super) const TOO_OLD: &[(Arch, &[&str], &str)] =
    &[(Arch::S390x, &["arch8", "arch9", "arch10", "arch11", "z10", "z196", "zEC12", "z13"], "z14 (arch12)")];
