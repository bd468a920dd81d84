//! `clifc cache`, and the options of `clifc build` for caches.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use clifc::cache::store::sqlite::SqliteStore;
use clifc::cache::store::{Store, StoreError};
use clifc::cache::totals::{self, Totals};
use clifc::cache::{CacheOptions, RemoteMode, RemoteOptions, Statistics, entry};

use super::args::{CacheArgs, CacheCommand, CacheVerb, parse_size};
use super::{CommandError, print};

/// The default of `--cache-size`: 1 GiB.
const DEFAULT_LIMIT: u64 = 1 << 30;

/// How long packs may be sent at the end of a short build, whatever the shared store does.
pub const PATIENCE: Duration = Duration::from_millis(5);

/// The fewest bytes of a key.
const SHORTEST_KEY: usize = 16;

/// Returns the options of the shared store that `clifc build` is to use, if any.
pub fn remote_options(args: &CacheArgs) -> Result<Option<RemoteOptions>, CommandError> {
    let named = |variable: &str| std::env::var(variable).ok().filter(|value| !value.is_empty());
    let url = args.cache_remote.clone().or_else(|| named("CLIFC_CACHE_REMOTE"));
    let Some(url) = url.filter(|url| !args.no_cache && !url.is_empty()) else { return Ok(None) };
    let mode = match (args.cache_remote_mode, named("CLIFC_CACHE_REMOTE_MODE")) {
        (Some(mode), _) => mode,
        (None, Some(text)) => text.parse().map_err(|why| {
            CommandError::Usage(format!("invalid value `{text}` for CLIFC_CACHE_REMOTE_MODE: {why}"))
        })?,
        (None, None) => RemoteMode::default(),
    };
    let file = args.cache_key_file.clone().or_else(|| named("CLIFC_CACHE_KEY_FILE").map(PathBuf::from));
    let key = match (file, named("CLIFC_CACHE_KEY")) {
        (Some(path), _) => std::fs::read(&path)
            .map_err(|error| CommandError::System(format!("{}: {error}", path.display())))?
            .trim_ascii_end()
            .to_vec(),
        (None, Some(key)) => key.into_bytes(),
        (None, None) => Vec::new(),
    };
    if (1..SHORTEST_KEY).contains(&key.len()) {
        let why = format!("the key of the shared store is too short: expected at least {SHORTEST_KEY} bytes");
        return Err(CommandError::Usage(why));
    }
    let timeout = args.cache_remote_timeout.unwrap_or(Duration::from_secs(2));
    let wait = args.cache_remote_wait.unwrap_or_default();
    Ok(Some(RemoteOptions { url, mode, key, timeout, wait }))
}

/// Returns the options of the cache that `clifc build` is to use, if any. A shared store `needs` one.
pub fn options(args: &CacheArgs, needs: bool) -> Result<Option<CacheOptions>, CommandError> {
    if args.no_cache {
        return Ok(None);
    }
    let directory = match &args.cache {
        Some(Some(directory)) => directory.clone(),
        Some(None) => default_directory()?,
        None => match std::env::var_os("CLIFC_CACHE_DIR") {
            Some(directory) if !directory.is_empty() => PathBuf::from(directory),
            _ if needs => default_directory()?,
            _ => return Ok(None),
        },
    };
    let limit = limit(args.cache_size)?;
    Ok(Some(CacheOptions { directory, limit, check: args.check_cache }))
}

/// Returns the limit of the cache: the one given, or that of `CLIFC_CACHE_SIZE`, or the default.
fn limit(given: Option<u64>) -> Result<u64, CommandError> {
    match (given, std::env::var("CLIFC_CACHE_SIZE")) {
        (Some(limit), _) => Ok(limit),
        (None, Ok(text)) if !text.is_empty() => parse_size(&text).map_err(|why| {
            CommandError::Usage(format!("invalid value `{text}` for CLIFC_CACHE_SIZE: {why}"))
        }),
        (None, _) => Ok(DEFAULT_LIMIT),
    }
}

/// Returns `CLIFC_CACHE_DIR`, or the directory in the user's cache directory.
fn default_directory() -> Result<PathBuf, CommandError> {
    let named =
        |variable: &str| std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from);
    let found = named("CLIFC_CACHE_DIR")
        .or_else(|| named("XDG_CACHE_HOME").map(|directory| directory.join("clifc")))
        .or_else(|| named("HOME").map(|directory| directory.join(".cache/clifc")));
    found.ok_or_else(|| CommandError::Usage("no directory for the cache: give --cache=DIR".into()))
}

/// `clifc cache`.
pub fn run(args: &CacheCommand) -> Result<(), CommandError> {
    let directory = args.cache.clone().map_or_else(default_directory, Ok)?;
    let limit = limit(args.cache_size)?;
    let system = |error: StoreError| CommandError::System(format!("cache: {error}"));
    if !directory.exists() {
        let none = format!("{}: there is no cache", directory.display());
        return if args.verb == CacheVerb::Stats {
            print(none + "\n")
        } else {
            Err(CommandError::System(none))
        };
    }
    if args.verb == CacheVerb::Clear {
        return match SqliteStore::remove(&directory).map_err(system)? {
            true => {
                // There is no such file before the first build.
                let _ = std::fs::remove_file(directory.join(totals::FILE));
                Ok(())
            }
            false => Err(CommandError::System("cache: other processes are using it".into())),
        };
    }
    let mut store = SqliteStore::open(&directory, limit).map_err(system)?;
    match args.verb {
        CacheVerb::Stats => {
            let contents = store.size().map_err(system)?;
            print(format!(
                "directory   {}\nentries     {}\nentry bytes {}\nfile bytes  {}\nlimit       {limit}\n{}",
                directory.display(),
                contents.entries,
                contents.entry_bytes,
                contents.file_bytes,
                sums(&Totals::read(&directory))
            ))
        }
        CacheVerb::Prune => store.prune(limit).map_err(system),
        CacheVerb::Verify => match store.verify(&entry::is_intact).map_err(system)? {
            0 => print("all entries are intact\n"),
            damaged => Err(CommandError::System(format!("cache: {damaged} damaged entries were removed"))),
        },
        CacheVerb::Clear => unreachable!("handled above"),
    }
}

/// Returns what `clifc cache stats` prints about builds.
fn sums(found: &Totals) -> String {
    let functions = found.local_hits + found.remote_hits + found.misses;
    let share = |count: u64| format!("{count} ({:.1} %)", count as f64 * 100.0 / functions.max(1) as f64);
    format!(
        "builds      {}\nlocal hits  {}\nremote hits {}\nmisses      {}\nremote read {}\nremote sent {}\n\
         time saved  {:.1} s\n",
        found.builds,
        share(found.local_hits),
        share(found.remote_hits),
        share(found.misses),
        found.remote_bytes[0],
        found.remote_bytes[1],
        found.time_saved().as_secs_f64()
    )
}

/// Returns what `--cache-stats` prints.
pub fn statistics(found: &Statistics) -> String {
    let mut text = String::new();
    let counts = [
        ("found by text", found.text_hits),
        ("found by stencil", found.stencil_hits),
        ("shared", found.shared),
        ("found remotely", found.remote_hits),
        ("compiled", found.misses),
        ("bytes read", found.bytes_read),
        ("bytes written", found.bytes_written),
        ("remote read", found.remote_bytes_read),
        ("remote sent", found.remote_bytes_written),
    ];
    for (what, count) in counts {
        writeln!(text, "cache {what:<16} {count:>10}").expect("writing to a string");
    }
    for (what, time) in times(found) {
        writeln!(text, "{what:<22} {:>10.3} ms", time.as_secs_f64() * 1e3).expect("writing to a string");
    }
    text
}

/// Returns the time by phase.
pub fn times(found: &Statistics) -> [(&'static str, Duration); 5] {
    [
        ("cache hashing", found.hashing),
        ("cache looking up", found.looking_up),
        ("cache applying", found.applying),
        ("cache storing", found.storing),
        ("cache waiting", found.waiting),
    ]
}
