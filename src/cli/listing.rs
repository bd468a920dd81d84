//! `clifc targets` and `clifc settings`, which list what users can choose from.

use clifc::arch::coverage_on;
use clifc::ir::{Family, Shape, opcode};
use clifc::lower::families::Coverage;
use clifc::options::{Arch, Flags, PRESETS, SETTINGS, Target};

/// Returns a list of targets and the CPUs of each.
pub fn targets() -> String {
    let host = Target::host().map(|host| host.arch()).ok();
    let mut out = String::new();
    for arch in Arch::ALL {
        let here = if host == Some(arch) { "  (this machine)" } else { "" };
        out.push_str(&format!("{:<8} {}{here}\n", arch.name(), arch.triple()));
        for preset in PRESETS.iter().filter(|preset| preset.arch == arch) {
            out.push_str(&format!("    --cpu {:<16} {}\n", preset.name, preset.doc));
        }
        if host == Some(arch) {
            out.push_str(&format!("    --cpu {:<16} This machine\n", "native"));
        }
    }
    out
}

/// Returns the table by which lowering dispatches: which families of opcodes each target compiles, by shape
/// of type.
pub fn matrix() -> String {
    let mut out = "yes: compiles   not yet: refused   -: the language has no such instruction\n".to_string();
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
                    Coverage::Absent => "-",
                };
                out.push_str(&format!(" {cell:<8}"));
            }
            let opcodes = opcode::ALL.iter().filter(|opcode| opcode.family() == family);
            let names: Vec<_> = opcodes.map(|opcode| opcode.name()).collect();
            out.push_str(&format!(" {}\n", names.join(" ")));
        }
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
