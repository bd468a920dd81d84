//! The tasks that are measured.

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};

/// A task that clifc and Cranelift both do.
pub struct Task {
    /// The name on the command line.
    pub name: &'static str,
    /// The title in tables.
    pub title: &'static str,
    /// What the task does.
    pub kind: Kind,
    /// Whether the IR is verified.
    pub verify: bool,
    /// The ratio of Cranelift's time to clifc's that is aimed at.
    pub wanted: Option<f64>,
}

/// What a task does with the text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Parses it.
    Parse,
    /// Compiles it to an object, with these settings.
    Build {
        /// `opt_level`.
        opt: &'static str,
        /// `regalloc_algorithm`, of each compiler: `priority` is clifc's alone.
        allocators: [&'static str; 2],
    },
}

/// The compilers that are compared.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Who {
    Clifc,
    Cranelift,
}

impl Task {
    /// The settings, which are the same for clifc and Cranelift but for the register allocator.
    pub fn settings(&self, who: Who) -> Vec<(&'static str, &'static str)> {
        let mut settings = vec![
            ("is_pic", "true"),
            ("preserve_frame_pointers", "true"),
            ("tls_model", "elf_gd"),
            ("enable_verifier", if self.verify { "true" } else { "false" }),
        ];
        if let Kind::Build { opt, allocators } = self.kind {
            settings.extend([("opt_level", opt), ("regalloc_algorithm", allocators[who as usize])]);
        }
        settings
    }
}

const fn build(opt: &'static str, ours: &'static str, theirs: &'static str) -> Kind {
    Kind::Build { opt, allocators: [ours, theirs] }
}

/// The tasks that scripts count instructions of: builds without the verifier.
pub fn builds() -> impl Iterator<Item = &'static Task> {
    TASKS.iter().filter(|task| task.kind != Kind::Parse && !task.verify)
}

/// All tasks. Builds compile text to the bytes of an object in memory. clifc's default allocator is measured
/// against Cranelift's fastest in builds that are to be quick, and against its best in those that optimise.
pub const TASKS: &[Task] = &[
    Task { name: "parse", title: "parse", kind: Kind::Parse, verify: false, wanted: Some(6.0) },
    Task {
        name: "parse-verify",
        title: "parse and verify",
        kind: Kind::Parse,
        verify: true,
        wanted: Some(4.0),
    },
    Task {
        name: "none",
        title: "build, none, priority / single_pass",
        kind: build("none", "priority", "single_pass"),
        verify: false,
        wanted: Some(3.0),
    },
    Task {
        name: "none-verify",
        title: "the same, verifiers on",
        kind: build("none", "priority", "single_pass"),
        verify: true,
        wanted: None,
    },
    Task {
        name: "speed",
        title: "build, speed, priority / backtracking",
        kind: build("speed", "priority", "backtracking"),
        verify: false,
        wanted: Some(3.0),
    },
    Task {
        name: "none-single",
        title: "build, none, single_pass",
        kind: build("none", "single_pass", "single_pass"),
        verify: false,
        wanted: None,
    },
    Task {
        name: "none-backtracking",
        title: "build, none, backtracking",
        kind: build("none", "backtracking", "backtracking"),
        verify: false,
        wanted: None,
    },
    Task {
        name: "speed-backtracking",
        title: "build, speed, backtracking",
        kind: build("speed", "backtracking", "backtracking"),
        verify: false,
        wanted: None,
    },
];

/// A pool of threads.
pub fn pool(threads: usize) -> Result<ThreadPool, ThreadPoolBuildError> {
    ThreadPoolBuilder::new().num_threads(threads).build()
}
