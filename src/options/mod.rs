//! The target of a compilation, and the settings of code generation.
//!
//! Settings have Cranelift's names, so that files, command lines and habits carry over. They are rows of a
//! table, [`SETTINGS`]. [`Flags`] holds a byte for each row and has an accessor for each; it is cheap
//! to copy. A preset enables several settings; every CPU name is a preset.
//!
//! Invariant: every byte of [`Flags`] is a value that its row allows, because all changes go through
//! [`Flags::set`] and [`Flags::enable`].

mod presets;
mod table;
mod target;

use crate::diag::did_you_mean;
use presets::TOO_OLD;
pub use presets::{PRESETS, Preset};
pub use table::{
    Flags, Kind, LibcallCallConv, NoEffect, OptLevel, ProbestackStrategy, RegallocAlgorithm, SETTINGS,
    Setting, StackSwitchModel, TlsModel,
};
pub use target::{Arch, Target, TargetError};

/// Spellings of true and false.
const BOOLS: [(&str, bool); 8] = [
    ("true", true),
    ("on", true),
    ("yes", true),
    ("1", true),
    ("false", false),
    ("off", false),
    ("no", false),
    ("0", false),
];

impl Kind {
    /// The byte that encodes `text`, or a description of the values that were expected.
    fn parse(self, text: &str) -> Result<u8, String> {
        match self {
            Kind::Bool => BOOLS
                .iter()
                .find(|(spelling, _)| *spelling == text)
                .map(|&(_, value)| value.into())
                .ok_or_else(|| "true or false".into()),
            Kind::Number => text.parse().map_err(|_| "a number from 0 to 255".into()),
            Kind::Choice(names) => names
                .iter()
                .position(|name| *name == text)
                .map(|at| at as u8)
                .ok_or_else(|| format!("one of {}", names.join(", "))),
        }
    }

    /// The text of the value that a byte encodes.
    fn show(self, byte: u8) -> String {
        match self {
            Kind::Bool => (byte != 0).to_string(),
            Kind::Number => byte.to_string(),
            Kind::Choice(names) => names[usize::from(byte)].to_string(),
        }
    }

    /// All values, for listings.
    pub fn values(self) -> String {
        match self {
            Kind::Bool => "true|false".into(),
            Kind::Number => "0-255".into(),
            Kind::Choice(names) => names.join("|"),
        }
    }
}

impl Setting {
    /// Whether targets of `arch` have the setting.
    pub fn applies_to(&self, arch: Arch) -> bool {
        self.arch.is_none_or(|own| own == arch)
    }

    /// Why the setting has no effect on targets of `arch`; `None` if it has one.
    pub fn no_effect_on(&self, arch: Arch) -> Option<&'static str> {
        let found = self.no_effect.iter().find(|clause| clause.on.contains(&arch));
        found.map(|clause| clause.because)
    }
}

impl Flags {
    /// The default settings for a target.
    pub fn new(target: &Target) -> Self {
        let mut flags = Flags::defaults(target.arch());
        flags.macos = !target.is_elf();
        if !target.is_elf() {
            flags.set("tls_model", target.tls_model()).expect("tls_model has this value");
        }
        if target.keeps_frame_pointers() {
            flags.enable("preserve_frame_pointers").expect("it is a setting of all targets");
        }
        flags
    }

    /// All values, encoded: part of the cache key.
    pub fn bytes(&self) -> &[u8] {
        &self.values
    }

    /// These settings, with landing pads or without.
    pub(crate) fn with_landing_pads(mut self, landing_pads: bool) -> Self {
        self.landing_pads = landing_pads;
        self
    }

    /// These settings without the one that changes only how the cache is used, not the code.
    pub(crate) fn without_cache_checks(mut self) -> Self {
        self.set("enable_incremental_compilation_cache_checks", "false")
            .expect("it is a setting of all targets");
        self
    }

    /// Sets `name` to `value`, spelled as in `--set name=value`.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let (at, setting) = self.lookup(name)?;
        let byte = setting
            .kind
            .parse(value)
            .map_err(|expected| format!("invalid value `{value}` for `{name}`: expected {expected}"))?;
        self.values[at] = byte;
        Ok(())
    }

    /// Enables a boolean setting, or all settings of a preset.
    pub fn enable(&mut self, name: &str) -> Result<(), String> {
        let arch = self.arch();
        if let Some(preset) = PRESETS.iter().find(|preset| preset.name == name && preset.arch == arch) {
            return preset.implies.iter().try_for_each(|implied| self.enable(implied));
        }
        let (at, setting) = self.lookup(name)?;
        if !matches!(setting.kind, Kind::Bool) {
            return Err(format!("`{name}` needs a value: {name}={}", setting.kind.values()));
        }
        self.values[at] = true.into();
        Ok(())
    }

    /// Applies a word of the form `name` or `name=value`, as in `set`, `target` and `feature` lines and in
    /// `--set`.
    pub fn apply(&mut self, word: &str) -> Result<(), String> {
        match word.split_once('=') {
            Some((name, value)) => self.set(name.trim(), value.trim()),
            None => self.enable(word),
        }
    }

    /// Applies a word that is meant for targets of all architectures. Settings that only others have are
    /// ignored.
    pub fn apply_where_known(&mut self, word: &str) -> Result<(), String> {
        let result = self.apply(word);
        let mut others = Arch::ALL.into_iter().filter(|&arch| arch != self.arch());
        match others.any(|arch| Flags::defaults(arch).apply(word).is_ok()) {
            true => Ok(()),
            false => result,
        }
    }

    /// Selects the instruction set of a CPU by name. `native` is the host's.
    pub fn set_cpu(&mut self, name: &str) -> Result<(), String> {
        let arch = self.arch();
        if name != "native" {
            let known = || PRESETS.iter().filter(|preset| preset.arch == arch).map(|preset| preset.name);
            if !known().any(|preset| preset == name) {
                let too_old = TOO_OLD.iter().find(|(of, names, _)| *of == arch && names.contains(&name));
                if let Some((.., oldest)) = too_old {
                    return Err(format!("CPU `{name}` is not supported: code for {arch} needs {oldest}"));
                }
                let other = PRESETS.iter().find(|preset| preset.name == name);
                let hint = match (other, did_you_mean(name, known().chain(["native"]))) {
                    (Some(preset), _) => format!("; it is one of {}", preset.arch),
                    (None, near) if near.is_empty() => "; `clifc targets` lists them".into(),
                    (None, near) => near,
                };
                return Err(format!("unknown CPU `{name}` for {arch}{hint}"));
            }
        } else if Target::host().map_err(|error| error.to_string())?.arch() != arch {
            return Err(format!("CPU `native` is this machine's, but the target is {arch}"));
        }
        for (setting, value) in SETTINGS.iter().zip(&mut self.values) {
            if setting.arch == Some(arch) && setting.name.starts_with("has_") {
                *value = setting.default;
            }
        }
        match name {
            "native" => target::native_features().try_for_each(|feature| self.enable(feature)),
            _ => self.enable(name),
        }
    }

    /// The enabled instruction set extensions.
    pub fn extensions(&self) -> impl Iterator<Item = &'static str> {
        let enabled = SETTINGS.iter().zip(&self.values).filter(|(_, value)| **value != 0);
        enabled.map(|(setting, _)| setting.name).filter(|name| name.starts_with("has_"))
    }

    /// An instruction set extension that is enabled but that this machine lacks, if there is one.
    pub(crate) fn missing_on_host(&self) -> Option<&'static str> {
        let present: Vec<_> = target::native_features().collect();
        self.extensions().find(|name| !present.contains(name))
    }

    /// The value of a setting, as text.
    pub fn show(&self, name: &str) -> Result<String, String> {
        let (at, setting) = self.lookup(name)?;
        Ok(setting.kind.show(self.values[at]))
    }

    fn lookup(&self, name: &str) -> Result<(usize, &'static Setting), String> {
        let arch = self.arch();
        match SETTINGS.iter().enumerate().find(|(_, setting)| setting.name == name) {
            Some((at, setting)) if setting.applies_to(arch) => Ok((at, setting)),
            Some((_, Setting { arch: Some(own), .. })) => {
                Err(format!("`{name}` is a setting of {own}, but the target is {arch}"))
            }
            _ => {
                let settings = SETTINGS.iter().filter(|setting| setting.applies_to(arch)).map(|s| s.name);
                let presets = PRESETS.iter().filter(|preset| preset.arch == arch).map(|p| p.name);
                let near = did_you_mean(name, settings.chain(presets));
                let hint = if near.is_empty() { "; `clifc settings` lists them" } else { &near };
                Err(format!("unknown setting `{name}`{hint}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(target: &str) -> Flags {
        Flags::new(&Target::parse(target).expect("a target"))
    }

    #[test]
    fn every_setting_takes_its_values_and_no_other() {
        for arch in Arch::ALL {
            let mut flags = flags(arch.name());
            for setting in SETTINGS.iter().filter(|setting| setting.applies_to(arch)) {
                for value in setting.kind.values().split(['|', '-']) {
                    flags.set(setting.name, value).expect(setting.name);
                    assert_eq!(flags.show(setting.name).as_deref(), Ok(value));
                }
                assert!(flags.set(setting.name, "sideways").is_err());
            }
        }
    }

    #[test]
    fn every_preset_can_be_enabled() {
        for preset in PRESETS {
            flags(preset.arch.name()).enable(preset.name).expect(preset.name);
        }
    }

    #[test]
    fn presets_imply_what_they_build_on() {
        let mut flags = flags("x86_64");
        flags.apply("haswell").expect("a preset");
        assert!(flags.has_sse3() && flags.has_avx2() && flags.has_bmi2() && !flags.has_avx512f());
        flags.apply("has_avx2=false").expect("a setting");
        assert!(flags.has_avx() && !flags.has_avx2());
        flags.set_cpu("x86-64-v2").expect("a CPU");
        assert!(flags.has_sse42() && !flags.has_avx());
    }

    #[test]
    fn defaults_are_those_of_an_ahead_of_time_compiler() {
        let flags = flags("x86_64");
        assert!(flags.is_pic() && flags.unwind_info() && flags.enable_verifier());
        assert_eq!(flags.opt_level(), OptLevel::None);
        assert_eq!(flags.regalloc_algorithm(), RegallocAlgorithm::Priority);
        assert_eq!(flags.tls_model(), TlsModel::ElfGd);
        assert_eq!(flags.probestack_size_log2(), 12);
    }

    #[test]
    fn words_for_all_targets() {
        let (mut lse, mut mie3) = (flags("aarch64"), flags("s390x"));
        for word in ["has_lse=true", "z15", "is_pic=false"] {
            lse.apply_where_known(word).expect(word);
            mie3.apply_where_known(word).expect(word);
        }
        assert!(lse.has_lse() && !lse.has_mie3() && !lse.is_pic());
        assert!(!mie3.has_lse() && mie3.has_mie3() && !mie3.is_pic());
        assert!(lse.apply_where_known("has_mie3=maybe").is_err());
        assert!(lse.apply_where_known("has_lsee").is_err());
    }

    #[test]
    fn messages_help() {
        let mut flags = flags("x86_64");
        assert_eq!(
            flags.set("opt_levle", "none"),
            Err("unknown setting `opt_levle`; did you mean `opt_level`?".into())
        );
        assert_eq!(
            flags.set("opt_level", "2"),
            Err("invalid value `2` for `opt_level`: expected one of none, speed, speed_and_size".into())
        );
        assert_eq!(
            flags.set("has_lse", "true"),
            Err("`has_lse` is a setting of aarch64, but the target is x86_64".into())
        );
        let mut s390x = Flags::new(&Target::of(Arch::S390x));
        assert!(s390x.set_cpu("z13").is_err_and(|message| message.contains("needs z14")));
        assert!(flags.set_cpu("haswel").is_err_and(|message| message.contains("`haswell`")));
        assert!(flags.enable("opt_level").is_err());
    }
}
