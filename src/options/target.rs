//! Targets: triples with an architecture that clifc has a back end for.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use target_lexicon::{Architecture, BinaryFormat, OperatingSystem, PointerWidth, Triple};

use crate::diag::did_you_mean;

/// An instruction set architecture.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Arch {
    /// AMD64.
    X86_64,
    /// 64-bit Arm.
    Aarch64,
    /// IBM z.
    S390x,
}

impl Arch {
    /// All architectures, in the order of listings.
    pub const ALL: [Arch; 3] = [Arch::X86_64, Arch::Aarch64, Arch::S390x];

    /// The short name, which `--target` takes as well.
    pub const fn name(self) -> &'static str {
        match self {
            Arch::X86_64 => "x86_64",
            Arch::Aarch64 => "aarch64",
            Arch::S390x => "s390x",
        }
    }

    /// The triple for which the short name stands.
    pub fn triple(self) -> String {
        format!("{}-unknown-linux-gnu", self.name())
    }

    /// The alignment of named data that code can rely on by the ABI.
    pub(crate) const fn data_alignment(self) -> u32 {
        match self {
            Arch::X86_64 | Arch::Aarch64 => 1,
            Arch::S390x => 2,
        }
    }

    /// Whether the target is big-endian.
    pub const fn is_big_endian(self) -> bool {
        matches!(self, Arch::S390x)
    }
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a name is not a target.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TargetError {
    /// A triple that is valid, but for which clifc has no back end.
    Unsupported(String),
    /// A name that is not a triple.
    Unknown(String),
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TargetError::Unsupported(name) => {
                let have = Arch::ALL.map(Arch::name);
                let is_known = name.split('-').next().is_some_and(|arch| have.contains(&arch));
                let what = if is_known { "its objects are neither ELF nor for macOS; " } else { "" };
                write!(f, "unsupported target `{name}`: {what}expected one of {}", have.join(", "))
            }
            TargetError::Unknown(name) => {
                let near = did_you_mean(name, Arch::ALL.into_iter().map(Arch::name));
                write!(
                    f,
                    "unknown target `{name}`: expected a triple, or one of {}{near}",
                    Arch::ALL.map(Arch::name).join(", ")
                )
            }
        }
    }
}

/// The machine and system for which code is generated.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Target {
    arch: Arch,
    triple: Triple,
}

impl Target {
    /// The target of a triple or a short name.
    pub fn parse(name: &str) -> Result<Self, TargetError> {
        let name = &*other_spelling(name);
        let short = Arch::ALL.into_iter().find(|arch| arch.name() == name).map(Arch::triple);
        let triple = Triple::from_str(short.as_deref().unwrap_or(name))
            .map_err(|_| TargetError::Unknown(name.into()))?;
        let unsupported = || TargetError::Unsupported(name.into());
        let arch = arch_of(triple.architecture).ok_or_else(unsupported)?;
        let wide = triple.pointer_width() == Ok(PointerWidth::U64);
        let supported = match triple.binary_format {
            _ if !wide => false,
            BinaryFormat::Elf | BinaryFormat::Unknown => !has_windows_objects(triple.operating_system),
            BinaryFormat::Macho => arch != Arch::S390x && is_macos(triple.operating_system),
            _ => false,
        };
        if supported { Ok(Target { arch, triple }) } else { Err(unsupported()) }
    }

    /// The machine that clifc runs on.
    pub fn host() -> Result<Self, TargetError> {
        let triple = Triple::host();
        let arch = arch_of(triple.architecture);
        Ok(Target { arch: arch.ok_or_else(|| TargetError::Unsupported(triple.to_string()))?, triple })
    }

    /// The target for which the short name of an architecture stands.
    pub fn of(arch: Arch) -> Self {
        Self::parse(arch.name()).expect("short names are targets")
    }

    /// The architecture.
    pub fn arch(&self) -> Arch {
        self.arch
    }

    /// The triple.
    pub fn triple(&self) -> &Triple {
        &self.triple
    }

    /// Whether objects are ELF rather than Mach-O. Triples without an object format are ELF.
    pub fn is_elf(&self) -> bool {
        self.triple.binary_format != BinaryFormat::Macho
    }

    /// The oldest version of macOS on which the code must run: that of the triple, or else a default for the
    /// architecture.
    pub(crate) fn minimum_macos(&self) -> (u16, u8, u8) {
        match (self.triple.operating_system, self.arch) {
            (OperatingSystem::MacOSX(Some(version)), _) => (version.major, version.minor, version.patch),
            (_, Arch::Aarch64) => (11, 0, 0),
            _ => (10, 12, 0),
        }
    }

    /// The default of the setting `tls_model`.
    pub(super) fn tls_model(&self) -> &'static str {
        if self.is_elf() { "elf_gd" } else { "macho" }
    }

    /// Whether the ABI demands frame pointers: the default of the setting `preserve_frame_pointers`.
    pub(super) fn keeps_frame_pointers(&self) -> bool {
        !self.is_elf() && self.arch == Arch::Aarch64
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.triple.fmt(f)
    }
}

/// The name with the architecture as clifc spells it.
fn other_spelling(name: &str) -> Cow<'_, str> {
    const OTHERS: [(&str, Arch); 5] = [
        ("amd64", Arch::X86_64),
        ("x64", Arch::X86_64),
        ("x86-64", Arch::X86_64),
        ("arm64", Arch::Aarch64),
        ("systemz", Arch::S390x),
    ];
    let renamed = OTHERS.iter().find_map(|(other, arch)| {
        let rest = name.strip_prefix(other)?;
        (rest.is_empty() || rest.starts_with('-')).then(|| arch.name().to_string() + rest)
    });
    let name = renamed.map_or(Cow::Borrowed(name), Cow::Owned);
    // `x86_64-apple-macos11`, and `aarch64-macos` without a vendor.
    let is_macos = |part: &str| part.starts_with("macos") && !part.starts_with("macosx");
    if !name.split('-').any(is_macos) {
        return name;
    }
    let parts = name.split('-').filter(|part| *part != "apple");
    let parts =
        parts.map(|part| if is_macos(part) { format!("apple-macosx{}", &part[5..]) } else { part.into() });
    parts.collect::<Vec<String>>().join("-").into()
}

fn is_macos(system: OperatingSystem) -> bool {
    matches!(system, OperatingSystem::MacOSX(_) | OperatingSystem::Darwin(_))
}

/// Whether the system's objects are COFF although its triples have no object format.
fn has_windows_objects(system: OperatingSystem) -> bool {
    matches!(system, OperatingSystem::Uefi | OperatingSystem::Cygwin)
}

fn arch_of(architecture: Architecture) -> Option<Arch> {
    match architecture {
        Architecture::X86_64 | Architecture::X86_64h => Some(Arch::X86_64),
        Architecture::Aarch64(target_lexicon::Aarch64Architecture::Aarch64) => Some(Arch::Aarch64),
        Architecture::S390x => Some(Arch::S390x),
        _ => None,
    }
}

/// The settings for the instruction set extensions that this machine has.
pub(super) fn native_features() -> impl Iterator<Item = &'static str> {
    macro_rules! detect {
        ($detector:path, $($setting:literal: $feature:tt,)*) => {{
            use $detector as detector;
            vec![$(($setting, detector!($feature))),*]
        }};
    }
    #[cfg(target_arch = "x86_64")]
    let features = detect! { std::arch::is_x86_feature_detected,
        "has_sse3": "sse3",
        "has_ssse3": "ssse3",
        "has_cmpxchg16b": "cmpxchg16b",
        "has_sse41": "sse4.1",
        "has_sse42": "sse4.2",
        "has_avx": "avx",
        "has_f16c": "f16c",
        "has_avx2": "avx2",
        "has_fma": "fma",
        "has_avx_vnni": "avxvnni",
        "has_avx512bitalg": "avx512bitalg",
        "has_avx512dq": "avx512dq",
        "has_avx512vl": "avx512vl",
        "has_avx512vbmi": "avx512vbmi",
        "has_avx512f": "avx512f",
        "has_avx512vnni": "avx512vnni",
        "has_popcnt": "popcnt",
        "has_bmi1": "bmi1",
        "has_bmi2": "bmi2",
        "has_lzcnt": "lzcnt",
    };
    #[cfg(target_arch = "aarch64")]
    let features = detect! { std::arch::is_aarch64_feature_detected,
        "has_lse": "lse",
        "has_pauth": "paca",
        "has_fp16": "fp16",
        "has_dotprod": "dotprod",
        "has_i8mm": "i8mm",
    };
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let features: Vec<(&'static str, bool)> = Vec::new();
    features.into_iter().filter(|(_, present)| *present).map(|(setting, _)| setting)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for arch in Arch::ALL {
            let target = Target::of(arch);
            assert_eq!((target.arch(), target.to_string(), target.is_elf()), (arch, arch.triple(), true));
        }
        assert!(!Target::parse("aarch64-apple-darwin").expect("a target").is_elf());
        assert!(Target::parse("x86_64-unknown-linux-musl").is_ok());
        for (other, name) in [("amd64", "x86_64"), ("arm64", "aarch64"), ("x86-64", "x86_64")] {
            assert_eq!(Target::parse(other), Target::parse(name));
        }
        assert_eq!(Target::parse("arm64-apple-darwin"), Target::parse("aarch64-apple-darwin"));
        assert!(Target::parse("amd64x").is_err());
        let minimum = |name| Target::parse(name).expect("a target").minimum_macos();
        assert_eq!(minimum("x86_64-apple-macosx10.15.4"), (10, 15, 4));
        assert_eq!(minimum("aarch64-apple-darwin23"), (11, 0, 0));
        assert_eq!(minimum("arm64-apple-macos12.3"), (12, 3, 0));
        for name in ["aarch64-macos", "x86_64-apple-macos", "arm64-apple-macos14"] {
            assert!(!Target::parse(name).expect("a target").is_elf(), "{name}");
        }
        assert!(matches!(Target::parse("aarch64-apple-ios"), Err(TargetError::Unsupported(_))));
        assert!(matches!(Target::parse("s390x-apple-darwin"), Err(TargetError::Unsupported(_))));
        assert!(matches!(Target::parse("x86_64-unknown-uefi"), Err(TargetError::Unsupported(_))));
        assert!(matches!(Target::parse("x86_64-unknown-linux-gnux32"), Err(TargetError::Unsupported(_))));
        assert!(matches!(Target::parse("aarch64-unknown-linux-gnu_ilp32"), Err(TargetError::Unsupported(_))));
        assert!(matches!(Target::parse("riscv64"), Err(TargetError::Unsupported(_))));
        assert!(matches!(Target::parse("x86_64-pc-windows-msvc"), Err(TargetError::Unsupported(_))));
        assert!(matches!(Target::parse("x86_46"), Err(TargetError::Unknown(_))));
    }
}
