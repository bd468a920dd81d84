//! The shared store: what it has is found, and whatever happens to it costs a warning.

use super::servers::{
    self, FileServer, Memcached, Mishap, Redis, Server, files, free_port, full_server, proxy, s3_url,
};
use super::{Numbers, count, directory, program, targets};
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const KEY: &str = "a key that the team has";

/// Runs `clifc build` with an empty local cache, or the one that is named.
fn clifc(directory: &Path, url: &str, local: Option<&str>, options: &[&str]) -> Output {
    static NEXT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    let own = format!("local-{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let mut command = Command::new(env!("CARGO_BIN_EXE_clifc"));
    command.args(["build", "--cache-stats", "--cache-remote", url, "--cache-remote-timeout", "60"]);
    command.arg(format!("--cache={}", local.unwrap_or(&own))).args(options).arg("file.clif");
    command.env("CLIFC_CACHE_KEY", KEY).env_remove("CLIFC_CACHE_REMOTE").current_dir(directory);
    command.output().expect("clifc starts")
}

/// Builds a text, and waits for a store that works; returns the object and what was said.
fn built_by(directory: &Path, text: &str, url: &str, options: &[&str]) -> (Vec<u8>, String) {
    built_with(directory, text, url, &[&["--cache-remote-wait", "60"], options].concat())
}

/// Builds a text; returns the object and what was said.
fn built_with(directory: &Path, text: &str, url: &str, options: &[&str]) -> (Vec<u8>, String) {
    fs::write(directory.join("file.clif"), text).expect("a file");
    let output = clifc(directory, url, None, options);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    (fs::read(directory.join("file.o")).expect("an object"), said)
}

fn plain(directory: &Path, text: &str) -> Vec<u8> {
    super::built(directory, text, &[]).0
}

#[test]
fn what_one_builds_others_find() {
    let servers = servers::all(&directory("remote_servers"));
    for target in targets() {
        let directory = directory(&format!("remote_{target}"));
        let text = program(200, 1, "f", "g");
        fs::write(directory.join("file.clif"), &text).expect("a file");
        let shared = format!("file://{}", directory.join("shared").display());
        let urls = servers.iter().map(|server| (server.url(), false));
        for (url, debug) in urls.chain([(shared, true)]) {
            let options = [&["--target", target][..], if debug { &["-g"] } else { &[] }].concat();
            let object = super::built(&directory, &text, &options).0;
            let (first, said) = built_by(&directory, &text, &url, &options);
            assert!(first == object && count(&said, "compiled") == 200, "{said}");
            assert!(count(&said, "remote sent") > 1000 && !said.contains("warning"), "{said}");
            let (second, said) = built_by(&directory, &text, &url, &options);
            assert!(second == object, "{url}: another object");
            let found = (count(&said, "found remotely"), count(&said, "compiled"));
            assert_eq!((found, said.contains("warning")), ((200, 0), false), "{said}");
        }
    }
}

#[test]
fn what_was_found_is_local_then() {
    let directory = directory("remote_local");
    let url = format!("file://{}", directory.join("shared").display());
    let text = program(400, 2, "f", "g");
    built_by(&directory, &text, &url, &[]);
    let build = || {
        String::from_utf8_lossy(&clifc(&directory, &url, Some("mine"), &["--cache-remote-wait", "60"]).stderr)
            .into_owned()
    };
    let (first, second) = (build(), build());
    assert_eq!(count(&first, "found remotely"), 400, "{first}");
    assert_eq!(count(&second, "found by text"), 400, "{second}");
    // One function of many: the packs of the others are found.
    let (_, said) = built_by(&directory, &text.replace("2077", "77"), &url, &[]);
    assert!(count(&said, "found remotely") > 200, "{said}");
    let mut command = Command::new(env!("CARGO_BIN_EXE_clifc"));
    let stats = command.args(["cache", "stats", "--cache", "mine"]).current_dir(&directory).output();
    let stats = String::from_utf8_lossy(&stats.expect("clifc starts").stdout).into_owned();
    assert!(stats.contains("builds      2\n") && stats.contains("remote hits "), "{stats}");
}

#[test]
fn modes_read_or_write_only() {
    let directory = directory("remote_modes");
    let url = format!("file://{}", directory.join("shared").display());
    let text = program(100, 3, "f", "g");
    let build = |mode: &str| built_by(&directory, &text, &url, &["--cache-remote-mode", mode]).1;
    let sent = |said: &str| count(said, "remote sent");
    assert_eq!(sent(&build("read-only")), 0);
    assert!(!directory.join("shared").exists() || files(&directory.join("shared")).is_empty());
    let said = build("write-only");
    assert!(sent(&said) > 0 && count(&said, "compiled") == 100, "{said}");
    let said = build("write-only");
    assert!(count(&said, "compiled") == 100, "{said}");
    let said = build("read-only");
    assert!(sent(&said) == 0 && count(&said, "found remotely") > 0, "{said}");
    let output = clifc(&directory, &url, None, &["--cache-remote-mode", "some"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn tampered_packs_are_refused_and_replaced() {
    let directory = directory("remote_tampered");
    let shared = directory.join("shared");
    let url = format!("file://{}", shared.display());
    let text = program(300, 4, "f", "g");
    let object = plain(&directory, &text);
    built_by(&directory, &text, &url, &[]);
    let packs = files(&shared);
    assert!(packs.len() > 3, "{packs:?}");
    let whole: HashMap<&PathBuf, Vec<u8>> =
        packs.iter().map(|path| (path, fs::read(path).expect("a pack"))).collect();
    let mut numbers = Numbers(5);
    for round in 0..7 {
        for (at, path) in packs.iter().enumerate() {
            let mut bytes = whole[path].clone();
            let place = numbers.below(bytes.len());
            match round {
                0 => bytes[place] ^= 1 << numbers.below(8),
                1 => bytes.truncate(place),
                2 => bytes.clear(),
                // Packs that are intact, but of other functions.
                3 => bytes = whole[&packs[(at + 1) % packs.len()]].clone(),
                4 => bytes.iter_mut().for_each(|byte| *byte = numbers.below(256) as u8),
                5 => bytes.push(0),
                _ => bytes = b"<html>404</html>".to_vec(),
            }
            fs::write(path, bytes).expect("a pack");
        }
        let (made, said) = built_by(&directory, &text, &url, &[]);
        assert!(made == object, "round {round}: a wrong object");
        assert_eq!(count(&said, "found remotely"), 0, "round {round}: {said}");
        assert!(said.contains("are damaged, or were not made with this key"), "round {round}: {said}");
        assert!(packs.iter().all(|path| fs::read(path).expect("a pack") == whole[path]), "they are replaced");
    }
}

#[test]
fn other_keys_find_nothing() {
    let directory = directory("remote_keys");
    let url = format!("file://{}", directory.join("shared").display());
    let text = program(100, 5, "f", "g");
    built_by(&directory, &text, &url, &[]);
    fs::write(directory.join("key"), "another key of the other team\n").expect("a file");
    let (_, said) = built_by(&directory, &text, &url, &["--cache-key-file", "key"]);
    assert_eq!(count(&said, "found remotely"), 0, "{said}");
    let (_, said) = built_by(&directory, &text, &url, &["--cache-key-file", "key"]);
    assert!(count(&said, "found remotely") > 0, "{said}");
    fs::write(directory.join("key"), "short\n").expect("a file");
    let output = clifc(&directory, &url, None, &["--cache-key-file", "key"]);
    assert!(output.status.code() == Some(2) && output.stderr.ends_with(b"at least 16 bytes\n"), "{output:?}");
}

/// Builds with a store that does not work, and checks that nothing but a warning comes of it.
fn goes_on_without(name: &str, url: &str) {
    let directory = directory(name);
    let text = program(300, 6, "f", "g");
    let object = plain(&directory, &text);
    let start = Instant::now();
    // Longer than stores usually take to answer.
    let (made, said) = built_with(&directory, &text, url, &["--cache-remote-wait", "0.05"]);
    // The timeout is 60 seconds. The machine may be busy.
    assert!(start.elapsed() < Duration::from_secs(30), "{url}: it was waited for");
    assert!(made == object, "{url}: a wrong object");
    assert!(said.contains("warning: cache: the shared store"), "{url}: {said}");
}

#[test]
fn a_store_that_does_not_work_is_a_warning() {
    let closed = free_port();
    goes_on_without("remote_down", &format!("redis://127.0.0.1:{closed}"));
    goes_on_without("remote_memcached", &format!("memcached://127.0.0.1:{closed}"));
    goes_on_without("remote_http", &format!("http://127.0.0.1:{closed}/cache"));
    goes_on_without("remote_s3", &s3_url(closed));
    goes_on_without("remote_scheme", "gopher://host");
    goes_on_without("remote_no_url", "host");
}

#[test]
fn a_full_store_is_a_warning() {
    let redis = Redis::start(&["--maxmemory", "1mb", "--maxmemory-policy", "noeviction"]);
    goes_on_without("remote_full", &redis.url());
    let s3 = FileServer::full_s3(&directory("remote_full_server"));
    goes_on_without("remote_s3_full", &s3.url());
    // Not even one pack has room.
    let memcached = Memcached::start(&["-I", "1k", "-o", "slab_chunk_max=1"]);
    goes_on_without("remote_memcached_full", &memcached.url());
    let port = full_server();
    goes_on_without("remote_s3_no_room", &s3_url(port));
    goes_on_without("remote_http_full", &format!("http://127.0.0.1:{port}/cache"));
}

#[test]
fn a_store_that_stalls_is_not_waited_for() {
    for (at, server) in servers::all(&directory("remote_stalling")).iter().enumerate() {
        let url = |mishap| server.url_at(proxy(server.port(), mishap));
        goes_on_without(&format!("remote_stalled_{at}"), &url(Mishap::Stall));
        goes_on_without(&format!("remote_slow_{at}"), &url(Mishap::Delay(Duration::from_secs(3))));
    }
}

/// What came of each of the functions of a build.
fn accounted(said: &str) -> u64 {
    ["found remotely", "found by stencil", "shared", "compiled"].iter().map(|what| count(said, what)).sum()
}

#[test]
fn a_store_that_breaks_off_or_garbles_is_harmless() {
    for (at, server) in servers::all(&directory("remote_breaking")).iter().enumerate() {
        let directory = directory(&format!("remote_broken_{at}"));
        let text = program(300, 7, "f", "g");
        let object = plain(&directory, &text);
        built_by(&directory, &text, &server.url(), &[]);
        for at in [0, 1, 50, 300, 1000, 5000, 50_000] {
            for mishap in [Mishap::Truncate(at), Mishap::Garble(at, 1), Mishap::Garble(at, 100_000)] {
                let url = server.url_at(proxy(server.port(), mishap));
                let (made, said) = built_with(&directory, &text, &url, &["--cache-remote-wait", "0.05"]);
                assert!(made == object, "{url}: a wrong object at {at}");
                assert_eq!(accounted(&said), 300, "{url}: {said}");
                // The store doesn't say anything that makes sense.
                let is_useless = matches!(mishap, Mishap::Truncate(0) | Mishap::Garble(0, 100_000));
                assert!(!is_useless || said.contains("warning: cache: the shared store"), "{url}: {said}");
            }
        }
    }
}

/// Fills a store, has its entries changed, and checks that they are refused and replaced.
fn refuses_and_replaces(name: &str, url: &str, change: &dyn Fn()) {
    let directory = directory(name);
    let text = program(300, 10, "f", "g");
    let object = plain(&directory, &text);
    built_by(&directory, &text, url, &[]);
    change();
    let (made, said) = built_by(&directory, &text, url, &[]);
    assert!(made == object, "{url}: a wrong object");
    assert_eq!(count(&said, "found remotely"), 0, "{url}: {said}");
    assert!(said.contains("are damaged, or were not made with this key"), "{url}: {said}");
    let (made, said) = built_by(&directory, &text, url, &[]);
    assert!(made == object && count(&said, "found remotely") == 300, "{url}: {said}");
}

#[test]
fn entries_that_others_changed_are_refused_and_replaced() {
    for (at, server) in servers::all(&directory("remote_changed")).iter().enumerate() {
        let url = server.url();
        refuses_and_replaces(&format!("remote_damaged_{at}"), &url, &|| server.damage());
        assert!(server.names().len() > 3, "{url}");
        refuses_and_replaces(&format!("remote_swapped_{at}"), &url, &|| server.swap());
    }
}

#[test]
fn a_server_that_is_killed_meanwhile_is_harmless() {
    let text = program(500, 8, "f", "g");
    for round in 0..6 {
        let root = directory("remote_dying");
        for (at, mut server) in servers::all(&root).into_iter().enumerate() {
            let directory = directory(&format!("remote_killed_{at}"));
            let object = plain(&directory, &text);
            let url = server.url();
            if round % 2 == 1 {
                built_by(&directory, &text, &url, &[]);
            }
            let killer = thread::spawn(move || {
                thread::sleep(Duration::from_millis(15 * round));
                server.process().kill();
            });
            let (made, said) = built_with(&directory, &text, &url, &[]);
            assert!(made == object, "{url}: a wrong object in round {round}");
            assert_eq!(accounted(&said), 500, "{url}: {said}");
            killer.join().expect("no panic");
        }
    }
}

#[test]
fn several_clients_share_a_store() {
    for (at, server) in servers::all(&directory("remote_shared")).iter().enumerate() {
        share(&format!("remote_clients_{at}"), &server.url());
    }
}

/// Has eight clients use a store at the same time.
fn share(name: &str, url: &str) {
    const CLIENTS: u64 = 8;
    let root = directory(name);
    let wrong = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let (url, wrong, directory) = (url.to_string(), wrong.clone(), root.join(client.to_string()));
            fs::create_dir(&directory).expect("a directory");
            thread::spawn(move || {
                for round in 0..4 {
                    // Each file has functions of other clients' files.
                    let text = program(100, (client + round) % 3, "f", "g")
                        + &program(100, client % 2 + 9, "h", "i");
                    let object = plain(&directory, &text);
                    if built_by(&directory, &text, &url, &[]).0 != object {
                        wrong.store(true, Ordering::Relaxed);
                    }
                }
            })
        })
        .collect();
    clients.into_iter().for_each(|client| client.join().expect("no panic"));
    assert!(!wrong.load(Ordering::Relaxed), "a wrong object");
}
