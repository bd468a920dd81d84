//! `clifc targets` and `clifc settings`, which list what users can choose from.

use clifc::arch::coverage_on;
use clifc::ir::{Family, Shape, opcode};
use clifc::lower::families::Coverage;
use clifc::options::{Arch, Flags, PRESETS, Preset, SETTINGS, Target};
use serde::Serialize;

/// The targets that are listed: those with a short name, and macOS.
fn known_targets() -> impl Iterator<Item = Target> {
    const MACOS: [&str; 2] = ["x86_64-apple-darwin", "aarch64-apple-darwin"];
    let macos = MACOS.into_iter().filter_map(|triple| Target::parse(triple).ok());
    Arch::ALL.into_iter().map(Target::of).chain(macos)
}

/// Whether code for a target runs on this machine.
fn is_here(host: &Target, target: &Target) -> bool {
    host.arch() == target.arch() && host.is_elf() == target.is_elf()
}

/// The CPUs of an architecture.
fn cpus(arch: Arch) -> impl Iterator<Item = &'static Preset> {
    PRESETS.iter().filter(move |preset| preset.arch == arch)
}

/// Returns a list of targets and the CPUs of each.
pub fn targets() -> String {
    let host = Target::host().ok();
    let mut out = String::new();
    for target in known_targets() {
        let here = host.as_ref().is_some_and(|host| is_here(host, &target));
        let name = if target.is_elf() { target.arch().name() } else { "" };
        out.push_str(&format!("{name:<8} {target}{}\n", if here { "  (this machine)" } else { "" }));
        for preset in cpus(target.arch()).filter(|_| target.is_elf()) {
            out.push_str(&format!("    --cpu {:<16} {}\n", preset.name, preset.doc));
        }
        if here {
            out.push_str(&format!("    --cpu {:<16} This machine\n", "native"));
        }
    }
    out
}

/// A target in JSON.
#[derive(Serialize)]
struct TargetRow {
    name: &'static str,
    triple: String,
    /// Whether it is this machine.
    host: bool,
    big_endian: bool,
    object_format: &'static str,
    cpus: Vec<CpuRow>,
}

#[derive(Serialize)]
struct CpuRow {
    name: &'static str,
    description: &'static str,
}

/// Returns the list of targets and CPUs as JSON.
pub fn targets_json() -> String {
    let host = Target::host().ok();
    let rows: Vec<TargetRow> = known_targets()
        .map(|target| TargetRow {
            name: target.arch().name(),
            triple: target.to_string(),
            host: host.as_ref().is_some_and(|host| is_here(host, &target)),
            big_endian: target.arch().is_big_endian(),
            object_format: if target.is_elf() { "elf" } else { "mach-o" },
            cpus: cpus(target.arch()).map(|cpu| CpuRow { name: cpu.name, description: cpu.doc }).collect(),
        })
        .collect();
    json(&rows)
}

/// A setting in JSON.
#[derive(Serialize)]
struct SettingRow {
    name: &'static str,
    description: &'static str,
    value: String,
    default: String,
    values: String,
    /// Why it has no effect on the target.
    no_effect_because: Option<&'static str>,
}

/// Returns the settings of a target as JSON.
pub fn settings_json(target: &Target, flags: &Flags) -> String {
    let defaults = Flags::new(target);
    let show = |flags: &Flags, name: &str| flags.show(name).unwrap_or_default();
    let rows = SETTINGS.iter().filter(|setting| setting.applies_to(target.arch()));
    let rows: Vec<SettingRow> = rows
        .map(|setting| SettingRow {
            name: setting.name,
            description: setting.doc,
            value: show(flags, setting.name),
            default: show(&defaults, setting.name),
            values: setting.kind.values(),
            no_effect_because: setting.no_effect_on(target.arch()),
        })
        .collect();
    json(&rows)
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default() + "\n"
}

/// Returns the table by which lowering dispatches: which families of opcodes each target compiles, by shape
/// of type.
pub fn matrix() -> String {
    let mut out = "yes: compiles   not yet: refused   no: refused, for a reason given below   -: no such \
                   instruction\n"
        .to_string();
    let mut reasons = Vec::new();
    for arch in Arch::ALL {
        out.push_str(&format!("\n{:<18}", arch.name()));
        Shape::ALL.iter().for_each(|shape| out.push_str(&format!(" {:<8}", shape.name())));
        out.push_str(" opcodes\n");
        for &family in Family::ALL {
            out.push_str(&format!("{:<18}", format!("{family:?}")));
            for &shape in Shape::ALL {
                let cell = match coverage_on(arch, family, shape) {
                    Coverage::Compiles => "yes",
                    Coverage::NotYet => "not yet",
                    Coverage::Refused(why) => {
                        reasons.push((family, why));
                        "no"
                    }
                    Coverage::Absent => "-",
                };
                out.push_str(&format!(" {cell:<8}"));
            }
            let opcodes = opcode::ALL.iter().filter(|opcode| opcode.family() == family);
            let names: Vec<_> = opcodes.map(|opcode| opcode.name()).collect();
            out.push_str(&format!(" {}\n", names.join(" ")));
        }
    }
    reasons.sort_by_key(|&(family, why)| (family as u8, why));
    reasons.dedup();
    out.push('\n');
    for (family, why) in reasons {
        out.push_str(&format!("{family:?}: {why}\n"));
    }
    out
}

/// Returns a list of the settings of a target, with their values and possible values. Those that differ from
/// the default are marked, and those that have no effect on this target say why.
pub fn settings(target: &Target, flags: &Flags) -> String {
    const COLUMN: usize = 54;
    let defaults = Flags::new(target);
    let mut out = format!("Settings for {target}; * is not the default\n\n");
    for setting in SETTINGS.iter().filter(|setting| setting.applies_to(target.arch())) {
        let show = |flags: &Flags| flags.show(setting.name).expect("a setting of this target");
        let mark = if show(flags) == show(&defaults) { ' ' } else { '*' };
        let entry = format!("{mark} {} = {}", setting.name, show(flags));
        out.push_str(&format!("{entry:<COLUMN$} {} [{}]\n", setting.doc, setting.kind.values()));
        if let Some(why) = setting.no_effect_on(target.arch()) {
            out.push_str(&format!("{:COLUMN$} accepted, without effect here, because {why}\n", ""));
        }
    }
    out
}
