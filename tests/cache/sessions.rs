//! Builds that share a session: what one leaves behind changes no byte of another, and no failing store does.

use super::{directory, program, targets};
use clifc::cache::key::Key;
use clifc::cache::store::{Result, Store, StoreError, StoreSize};
use clifc::cache::{Cache, CacheOptions, Statistics};
use clifc::diag::Source;
use clifc::driver::{self, BuildOptions, Observer, Session};
use clifc::options::{Flags, Target};
use std::collections::HashMap;
use std::fs;
use std::sync::Mutex;

/// A store in memory that fails from some operation on.
#[derive(Default)]
struct MemoryStore {
    entries: HashMap<Key, Vec<u8>>,
    /// Operations until it fails; never if there is none.
    works: Option<usize>,
}

impl MemoryStore {
    fn operate(&mut self) -> Result<()> {
        match &mut self.works {
            Some(0) => Err(StoreError::Unavailable("the line is dead".into())),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

impl Store for MemoryStore {
    fn secret(&self) -> [u8; 32] {
        [7; 32]
    }

    fn get(&mut self, keys: &[Key], take: &mut dyn FnMut(usize, &[u8])) -> Result<()> {
        self.operate()?;
        for (at, key) in keys.iter().enumerate() {
            self.entries.get(key).into_iter().for_each(|bytes| take(at, bytes));
        }
        Ok(())
    }

    fn put(&mut self, entries: &[(Key, &[u8])]) -> Result<()> {
        self.operate()?;
        self.entries.extend(entries.iter().map(|(key, bytes)| (*key, bytes.to_vec())));
        Ok(())
    }

    fn prune(&mut self, _: u64) -> Result<()> {
        self.entries.clear();
        Ok(())
    }

    fn verify(&mut self, is_intact: &dyn Fn(&[u8]) -> bool) -> Result<u64> {
        let before = self.entries.len();
        self.entries.retain(|_, bytes| is_intact(bytes));
        Ok((before - self.entries.len()) as u64)
    }

    fn size(&self) -> Result<StoreSize> {
        let entry_bytes = self.entries.values().map(|bytes| bytes.len() as u64).sum();
        Ok(StoreSize { entries: self.entries.len() as u64, entry_bytes, file_bytes: 0 })
    }

    fn clear(self: Box<Self>) -> Result<bool> {
        Ok(true)
    }
}

fn options(target: &str, settings: &[&str]) -> BuildOptions {
    let target = Target::parse(target).expect("a target");
    let mut flags = Flags::new(&target);
    settings.iter().for_each(|setting| flags.apply(setting).expect("a setting"));
    BuildOptions::new(target, flags)
}

/// A file's object in a session, what was found in the cache, and what was wrong with that.
fn built(session: &Session, text: &str, options: &BuildOptions) -> (Vec<u8>, Statistics, Vec<String>) {
    let warnings = Mutex::new(Vec::new());
    let warn = |warning: &str| warnings.lock().expect("unbroken").push(warning.to_string());
    let observer = Observer { warn: &warn, ..Observer::NONE };
    let source = Source { name: "file", text: text.as_bytes() };
    let built = driver::build_in(session, &source, options, &observer).expect("it compiles");
    (built.object, built.cache.unwrap_or_default(), warnings.into_inner().expect("unbroken"))
}

fn alone(text: &str, options: &BuildOptions) -> Vec<u8> {
    built(&Session::new(1), text, options).0
}

/// Files and options, in an order in which neighbours differ in everything.
fn builds() -> Vec<(String, BuildOptions)> {
    let settings = [&[][..], &["regalloc_algorithm=single_pass", "preserve_frame_pointers=true"]];
    let mut builds = Vec::new();
    for (seed, functions) in [(1, 30), (2, 1), (3, 7)] {
        for settings in settings {
            let text = program(functions, seed, "f", "g") + "function %last() {\nblock0:\n    return\n}\n";
            builds.extend(targets().map(|target| (text.clone(), options(target, settings))));
        }
    }
    builds
}

#[test]
fn objects_do_not_depend_on_the_session() {
    let wrong = Source { name: "wrong", text: b"function %f() -> i32 {\nblock0:\n    return\n}\n" };
    let expected: Vec<Vec<u8>> = builds().iter().map(|(text, options)| alone(text, options)).collect();
    for jobs in [1, 3] {
        let plain = Session::new(jobs);
        let cached = Session::new(jobs).with_cache(Cache::with_store(Box::<MemoryStore>::default(), false));
        for session in [&plain, &cached, &cached] {
            for ((text, options), expected) in builds().iter().zip(&expected) {
                assert!(driver::build_in(session, &wrong, options, &Observer::NONE).is_err());
                let traced = BuildOptions { trace_rules: true, time: true, ..options.clone() };
                assert!(built(session, text, &traced).0 == *expected);
                assert!(built(session, text, options).0 == *expected);
            }
        }
    }
}

#[test]
fn builds_at_once_share_a_session() {
    let expected: Vec<Vec<u8>> = builds().iter().map(|(text, options)| alone(text, options)).collect();
    let session = Session::new(2).with_cache(Cache::with_store(Box::<MemoryStore>::default(), false));
    std::thread::scope(|scope| {
        for first in 0..4 {
            let (session, expected) = (&session, &expected);
            scope.spawn(move || {
                let builds = builds();
                for at in (first..builds.len()).chain(0..first) {
                    let (text, options) = &builds[at];
                    assert!(built(session, text, options).0 == expected[at], "build {at} of thread {first}");
                }
            });
        }
    });
}

#[test]
fn a_later_build_finds_what_an_earlier_one_stored() {
    let options = options("x86_64", &[]);
    let directory = directory("session").join("store");
    let database = Cache::open(&CacheOptions { directory, limit: 1 << 30, check: false });
    for cache in [Cache::with_store(Box::<MemoryStore>::default(), false), database] {
        let session = Session::new(2).with_cache(cache);
        let (text, renamed) = (program(20, 1, "f", "g"), program(20, 1, "other", "import"));
        let count = |text: &str| {
            let (object, found, warnings) = built(&session, text, &options);
            assert!(object == alone(text, &options) && warnings.is_empty());
            (found.misses, found.text_hits, found.stencil_hits, found.shared)
        };
        assert_eq!(count(&text), (20, 0, 0, 0));
        assert_eq!(count(&text), (0, 20, 0, 0));
        assert_eq!(count(&renamed), (0, 0, 20, 0));
        let twice = renamed.clone() + &program(20, 1, "again", "import");
        assert_eq!(count(&twice), (0, 20, 20, 0));
        let new = twice.replace("%other", "%another").replace("%again", "%and_again");
        assert_eq!(count(&new), (0, 0, 20, 20), "what was found is shared too");
    }
}

#[test]
fn a_store_that_fails_is_a_warning() {
    let options = options("x86_64", &[]);
    let texts = [program(10, 1, "f", "g"), program(10, 1, "h", "g"), program(10, 2, "f", "g")];
    let expected: Vec<Vec<u8>> = texts.iter().map(|text| alone(text, &options)).collect();
    for works in 0..30 {
        let store = MemoryStore { works: Some(works), ..MemoryStore::default() };
        let session = Session::new(1).with_cache(Cache::with_store(Box::new(store), false));
        let mut all = Vec::new();
        for (text, expected) in texts.iter().zip(&expected) {
            let (object, _, mut warnings) = built(&session, text, &options);
            assert!(object == *expected, "after {works} operations");
            all.append(&mut warnings);
        }
        assert_eq!(all, ["the line is dead"], "after {works} operations");
    }
}

#[test]
fn a_database_that_is_damaged_is_made_anew_for_the_next_build() {
    let options = options("x86_64", &[]);
    let directory = directory("session_damage").join("store");
    let open = || CacheOptions { directory: directory.clone(), limit: 1 << 30, check: false };
    let session = Session::new(1).with_cache(Cache::open(&open()));
    let text = program(20, 1, "f", "g");
    let expected = alone(&text, &options);
    assert!(built(&session, &text, &options).0 == expected);
    let database = directory.join("clifc-2.db");
    let length = fs::metadata(&database).expect("a database").len() as usize;
    // In place, as the session has the file open.
    fs::write(&database, vec![0xa5; length]).expect("a database");
    let (object, _, warnings) = built(&session, &text, &options);
    assert!(object == expected && warnings.len() == 1 && warnings[0].contains("damaged"), "{warnings:?}");
    let (object, found, warnings) = built(&session, &text, &options);
    assert!(object == expected && warnings.is_empty() && found.misses == 20, "{warnings:?} {found:?}");
    let (object, found, _) = built(&session, &text, &options);
    assert!(object == expected && found.text_hits == 20, "{found:?}");
}
