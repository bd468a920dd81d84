//! The store that builds use: an SQLite database in a directory that belongs to one user.
//!
//! The store is SQLite rather than memory-mapped, because a cache lives for months and may be truncated by a
//! full or failing disk, and must then only miss: SQLite reports a damaged file, where a mapped one ends the
//! process (`docs/decisions/cache.md` has the measurements). The first eight bytes of an entry's key are its
//! row number, so that one descent of a B-tree finds it. A page holds many entries, which are read in place.
//!
//! Processes interact in three ways. Readers hold SQLite's shared lock for a limited time and then release it
//! for writers ([`SqliteStore::get`]). A build writes what it adds in one transaction at its end. And each
//! process holds a shared lock on the file `lock` for as long as it uses the database: only a process that
//! holds that lock exclusively may replace a damaged database. A process that is killed leaves a journal,
//! which the next one rolls back. The database is not synchronised to disk: a loss of power may damage it,
//! which costs the cache and nothing else.
//!
//! Time advances by one with each build that adds something. When an entry was last used matters only once
//! the cache fills up: until it is half full, nothing is written for a hit, and then only if something was
//! added since the entry's last use. So a build that finds everything usually writes nothing.

use super::{Key, Result, Store, StoreError, StoreSize};
use rusqlite::{Connection, ErrorCode, OpenFlags, params};
use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// File name of the database. The number changes when the layout of entries or tables changes.
const DATABASE: &str = "clifc-2.db";

/// How long to wait for other processes before giving up on the cache.
const PATIENCE: Duration = Duration::from_secs(20);

/// How often the lock of a database to be removed is tried. A child process that this one is just starting
/// shares its locks for a moment.
const LOCK_ATTEMPTS: u32 = 20;
const LOCK_PAUSE: Duration = Duration::from_millis(5);

/// How long a reader keeps others from writing.
const TURN: Duration = Duration::from_millis(20);

/// The time of an empty database.
const BEGINNING: i64 = 0;

/// Number of entries that are read between two looks at the clock.
const CHUNK: usize = 64;

/// Size of a page of the database in bytes.
const PAGE: u32 = 8 << 10;

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use ErrorCode::{ConstraintViolation, DatabaseCorrupt, NotADatabase, Unknown};
        let code = error.sqlite_error_code();
        let damaged = matches!(code, Some(DatabaseCorrupt | NotADatabase));
        // A missing or unexpected table, row or column is damage too, since only clifc creates them.
        let strange = matches!(code, Some(Unknown | ConstraintViolation))
            || matches!(
                error,
                rusqlite::Error::InvalidColumnType(..)
                    | rusqlite::Error::FromSqlConversionFailure(..)
                    | rusqlite::Error::SqlInputError { .. }
                    | rusqlite::Error::QueryReturnedNoRows
            );
        match damaged || strange {
            true => StoreError::Damaged(error.to_string()),
            false => StoreError::Unavailable(error.to_string()),
        }
    }
}

/// An open database.
#[derive(Debug)]
pub struct SqliteStore {
    connection: Connection,
    directory: PathBuf,
    /// Maximum size of the database in bytes.
    limit: u64,
    secret: [u8; 32],
    /// The time of the database when reading last began.
    time: i64,
    /// Rows that were read and whose last recorded use is before `time`.
    stale: Vec<i64>,
    /// When the current read transaction began, if there is one.
    reading_since: Option<Instant>,
    _lock: File,
}

impl SqliteStore {
    /// Opens the database in a directory, creating both if necessary. `limit` is its maximum size in bytes.
    pub fn open(directory: &Path, limit: u64) -> Result<Self> {
        make_private(directory)?;
        let lock = lock_file(directory)?;
        lock.lock_shared().map_err(|why| StoreError::Directory(directory.into(), why))?;
        let connection = connect(&directory.join(DATABASE), limit)?;
        let (secret, time) = connection
            .query_row("SELECT secret, time FROM store", [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(SqliteStore {
            connection,
            directory: directory.into(),
            limit,
            secret,
            time,
            stale: Vec::new(),
            reading_since: None,
            _lock: lock,
        })
    }

    /// Removes a directory's database, unless other processes are using it. Returns whether it did.
    pub fn remove(directory: &Path) -> Result<bool> {
        let at = |why| StoreError::Directory(directory.into(), why);
        let lock = lock_file(directory)?;
        for last in (0..LOCK_ATTEMPTS).map(|attempt| attempt + 1 == LOCK_ATTEMPTS) {
            match lock.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if last => return Ok(false),
                Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_PAUSE),
                Err(TryLockError::Error(why)) => return Err(at(why)),
            }
        }
        for name in [DATABASE.to_string(), format!("{DATABASE}-journal")] {
            match fs::remove_file(directory.join(name)) {
                Err(why) if why.kind() != io::ErrorKind::NotFound => return Err(at(why)),
                _ => {}
            }
        }
        Ok(true)
    }

    /// Begins a read transaction, unless one is open and recent enough.
    fn start_reading(&mut self) -> Result<()> {
        if self.reading_since.is_some_and(|since| since.elapsed() > TURN) {
            self.stop_reading()?;
        }
        if self.reading_since.is_none() {
            self.connection.execute_batch("BEGIN")?;
            self.reading_since = Some(Instant::now());
            // Other processes, or an earlier build of this one, may have added something.
            self.time = self.connection.query_row("SELECT time FROM store", [], |row| row.get(0))?;
        }
        Ok(())
    }

    /// Ends the read transaction, so that others can write.
    fn stop_reading(&mut self) -> Result<()> {
        match self.reading_since.take() {
            Some(_) => Ok(self.connection.execute_batch("COMMIT")?),
            None => Ok(()),
        }
    }

    /// Stores entries and renews the time of used rows, both in the order of the B-tree, so that each page is
    /// written once.
    fn write(&mut self, entries: &[(Key, &[u8])], used: &mut [i64]) -> Result<()> {
        let mut order: Vec<usize> = (0..entries.len()).collect();
        order.sort_unstable_by_key(|&at| entries[at].0.number());
        used.sort_unstable();
        let transaction =
            self.connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let passed = i64::from(!entries.is_empty());
        let time: i64 =
            transaction
                .query_row("UPDATE store SET time = time + ?1 RETURNING time", [passed], |row| row.get(0))?;
        {
            let mut insert =
                transaction.prepare_cached("INSERT OR REPLACE INTO entry VALUES (?1, ?2, ?3)")?;
            let mut renew = transaction.prepare_cached("UPDATE entry SET time = ?2 WHERE id = ?1")?;
            for at in order {
                let (key, bytes) = &entries[at];
                insert.execute(params![key.number(), time, bytes])?;
            }
            for id in used {
                renew.execute(params![*id, time])?;
            }
        }
        Ok(transaction.commit()?)
    }

    fn file_bytes(&self) -> Result<u64> {
        file_bytes(&self.connection)
    }
}

impl Store for SqliteStore {
    fn secret(&self) -> [u8; 32] {
        self.secret
    }

    fn get(&mut self, keys: &[Key], take: &mut dyn FnMut(usize, &[u8])) -> Result<()> {
        // Neighbours in the B-tree are on the same page.
        let mut order: Vec<usize> = (0..keys.len()).collect();
        order.sort_unstable_by_key(|&at| keys[at].number());
        for chunk in order.chunks(CHUNK) {
            self.start_reading()?;
            if self.time == BEGINNING {
                return Ok(());
            }
            let mut select = self.connection.prepare_cached("SELECT time, bytes FROM entry WHERE id = ?1")?;
            for &at in chunk {
                let id = keys[at].number();
                if let Some(row) = select.query([id])?.next()? {
                    if row.get::<_, i64>(0)? < self.time {
                        self.stale.push(id);
                    }
                    let bytes = row.get_ref(1)?.as_blob();
                    take(at, bytes.map_err(|_| StoreError::Damaged("an entry is not a blob".into()))?);
                }
            }
        }
        Ok(())
    }

    fn put(&mut self, entries: &[(Key, &[u8])]) -> Result<()> {
        self.stop_reading()?;
        let mut used = std::mem::take(&mut self.stale);
        if self.file_bytes()? <= self.limit / 2 {
            used.clear();
        }
        if entries.is_empty() && used.is_empty() {
            return Ok(());
        }
        self.write(entries, &mut used)?;
        match self.file_bytes()? > self.limit {
            true => self.prune(self.limit / 10 * 9),
            false => Ok(()),
        }
    }

    fn prune(&mut self, bytes: u64) -> Result<()> {
        // The remaining entries take more space than their share, because their pages are no longer full.
        let mut share = bytes;
        while self.file_bytes()? > bytes && entry_bytes(&self.connection)? > 0 {
            let (all, entries) = (self.file_bytes()?, entry_bytes(&self.connection)?);
            let keep = (u128::from(share) * u128::from(entries) / u128::from(all)) as i64;
            let transaction =
                self.connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
            transaction.execute(
                "DELETE FROM entry WHERE id IN (SELECT id FROM (SELECT id, sum(length(bytes)) OVER \
                 (ORDER BY time DESC, id ROWS UNBOUNDED PRECEDING) AS total FROM entry) WHERE total > ?1)",
                [keep],
            )?;
            transaction.commit()?;
            let mut vacuum = self.connection.prepare("PRAGMA incremental_vacuum")?;
            let mut steps = vacuum.query([])?;
            while steps.next()?.is_some() {}
            share = share / 10 * 9;
        }
        Ok(())
    }

    fn verify(&mut self, is_intact: &dyn Fn(&[u8]) -> bool) -> Result<u64> {
        let state: String = self.connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if state != "ok" {
            return Err(StoreError::Damaged(state));
        }
        let mut damaged = Vec::new();
        {
            let mut all = self.connection.prepare("SELECT id, bytes FROM entry")?;
            let mut rows = all.query([])?;
            while let Some(row) = rows.next()? {
                if !row.get_ref(1)?.as_blob().is_ok_and(is_intact) {
                    damaged.push(row.get::<_, i64>(0)?);
                }
            }
        }
        for id in &damaged {
            self.connection.execute("DELETE FROM entry WHERE id = ?1", [id])?;
        }
        Ok(damaged.len() as u64)
    }

    fn size(&self) -> Result<StoreSize> {
        let entries: i64 = self.connection.query_row("SELECT count(*) FROM entry", [], |row| row.get(0))?;
        Ok(StoreSize {
            entries: entries as u64,
            entry_bytes: entry_bytes(&self.connection)?,
            file_bytes: self.file_bytes()?,
        })
    }

    fn clear(self: Box<Self>) -> Result<bool> {
        let directory = self.directory.clone();
        drop(self);
        Self::remove(&directory)
    }
}

fn file_bytes(connection: &Connection) -> Result<u64> {
    let pages: i64 = connection.query_row("PRAGMA page_count", [], |row| row.get(0))?;
    Ok(pages.max(0) as u64 * u64::from(PAGE))
}

fn entry_bytes(connection: &Connection) -> Result<u64> {
    let bytes: i64 =
        connection.query_row("SELECT coalesce(sum(length(bytes)), 0) FROM entry", [], |row| row.get(0))?;
    Ok(bytes as u64)
}

/// Creates a directory that only its user can access, or checks that nobody else can write to an existing
/// one.
fn make_private(directory: &Path) -> Result<()> {
    let at = |why| StoreError::Directory(directory.into(), why);
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(at)?;
    let metadata = fs::metadata(directory).map_err(at)?;
    let ours = metadata.uid() == rustix::process::geteuid().as_raw();
    match ours && metadata.mode() & 0o022 == 0 {
        true => Ok(()),
        false => Err(StoreError::NotPrivate(directory.into())),
    }
}

fn lock_file(directory: &Path) -> Result<File> {
    let path = directory.join("lock");
    let opened = File::options().create(true).truncate(false).write(true).open(&path);
    opened.map_err(|why| StoreError::Directory(path, why))
}

fn connect(path: &Path, limit: u64) -> Result<Connection> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    // Any program may have written the file: no code in it is run, and cells are checked.
    connection.execute_batch(
        "PRAGMA synchronous = OFF; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; \
         PRAGMA mmap_size = 0; PRAGMA cache_size = -65536;",
    )?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables == 0 {
        // Only for a new database, because the pragma for vacuuming writes to it.
        connection.execute_batch(&format!(
            "PRAGMA page_size = {PAGE}; PRAGMA auto_vacuum = INCREMENTAL; BEGIN IMMEDIATE; \
             CREATE TABLE IF NOT EXISTS entry \
             (id INTEGER PRIMARY KEY, time INTEGER NOT NULL, bytes BLOB NOT NULL) STRICT; \
             CREATE TABLE IF NOT EXISTS store \
             (id INTEGER PRIMARY KEY, secret BLOB NOT NULL, time INTEGER NOT NULL) STRICT; \
             INSERT OR IGNORE INTO store VALUES (1, randomblob(32), {BEGINNING}); \
             COMMIT;",
        ))?;
    }
    // More than the limit, which may be exceeded before entries are removed.
    let most = limit / u64::from(PAGE) * 2 + 1024;
    connection.pragma_update(None, "max_page_count", most as i64)?;
    Ok(connection)
}
