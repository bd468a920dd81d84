//! Where entries are kept: an SQLite database in a directory that is its user's alone.
//!
//! SQLite rather than a memory-mapped store, because a cache is a file that lives for months, may be cut short by a
//! full disk or a failing one, and must then be a miss: SQLite reports a damaged file, where a mapped one ends the process
//! (ARCHITECTURE.md has the figures). Entries are found by the first eight bytes of their key, as row number, which
//! takes one descent of a B-tree; a page holds many of them, and they are read in place.
//!
//! Processes meet in three ways. Readers take SQLite's shared lock for a moment ([`Store::read`] lets go of it again and
//! again), a build writes what it adds in one transaction at its end, and each process holds a shared lock of its own on the file
//! `lock` for as long as it uses the database: only who holds that one alone may replace a damaged database. A process that is
//! killed leaves a journal that the next one rolls back. The database is not synchronised to the disk: after a loss of
//! power it may be damaged, which costs the cache and nothing else.
//!
//! Time goes by in builds that add something. When an entry was last used matters only once the cache is filling up: until it
//! is half full nothing is written for a hit, and then only if something was added since the last one, so that a build that finds
//! everything writes nothing.

use rusqlite::{Connection, ErrorCode, OpenFlags, params};
use std::fs::{self, File, TryLockError};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{fmt, io};

/// Changes when entries or tables are laid out anew.
const DATABASE: &str = "clifc-2.db";

/// How long to wait for other processes before going without the cache.
const PATIENCE: Duration = Duration::from_secs(20);

/// For how long a reader keeps others from writing.
const TURN: Duration = Duration::from_millis(20);

/// The time of a database to which nothing was added yet.
const BEGINNING: i64 = 0;

/// Entries that are read between two looks at the clock.
const CHUNK: usize = 64;

/// Bytes in a page of the database.
const PAGE: u32 = 8 << 10;

/// Why the cache can't be used.
#[derive(Debug)]
pub enum StoreError {
    /// The directory.
    Directory(PathBuf, io::Error),
    /// Others can write to the directory.
    NotPrivate(PathBuf),
    /// The database is damaged.
    Damaged(String),
    /// Anything else: a full disk, too long a wait.
    Database(String),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreError::Directory(path, why) => write!(f, "{}: {why}", path.display()),
            StoreError::NotPrivate(path) => {
                write!(f, "{}: others can write to this directory; it should be yours alone", path.display())
            }
            StoreError::Damaged(why) => write!(f, "the database is damaged ({why})"),
            StoreError::Database(why) => f.write_str(why),
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use ErrorCode::{ConstraintViolation, DatabaseCorrupt, NotADatabase, Unknown};
        let code = error.sqlite_error_code();
        let damaged = matches!(code, Some(DatabaseCorrupt | NotADatabase));
        // A table, a row or a column that is missing, or holds something else, is damage too: nobody else makes them.
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
            false => StoreError::Database(error.to_string()),
        }
    }
}

type Result<T> = std::result::Result<T, StoreError>;

/// What is in a store.
#[derive(Clone, Copy, Debug, Default)]
pub struct Contents {
    /// How many entries.
    pub entries: u64,
    /// Their bytes.
    pub entry_bytes: u64,
    /// Bytes of the database on disk.
    pub file_bytes: u64,
}

/// Entries to be stored, one behind the other in memory.
#[derive(Debug, Default)]
pub struct Batch {
    /// Their ids, and where in `bytes` they begin and end.
    entries: Vec<(i64, usize, usize)>,
    bytes: Vec<u8>,
}

impl Batch {
    /// Adds an entry, which `append` adds to the bytes it gets. Returns its length.
    pub fn push(&mut self, id: i64, append: impl FnOnce(Vec<u8>) -> Vec<u8>) -> usize {
        let start = self.bytes.len();
        self.bytes = append(std::mem::take(&mut self.bytes));
        self.entries.push((id, start, self.bytes.len()));
        self.bytes.len() - start
    }
}

/// An open database.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    directory: PathBuf,
    /// Bytes that the database may have.
    limit: u64,
    /// What keys of texts depend on, so that nobody who does not know it can make two texts of one key.
    secret: [u8; 32],
    /// The latest build that added something, when this one began.
    time: i64,
    /// Entries that were read and had not been used at that time.
    stale: Vec<i64>,
    /// When the transaction began in which entries are read.
    reading_since: Option<Instant>,
    _lock: File,
}

impl Store {
    /// Opens the database in a directory, making both if need be.
    pub fn open(directory: &Path, limit: u64) -> Result<Self> {
        make_private(directory)?;
        let lock = lock_file(directory)?;
        lock.lock_shared().map_err(|why| StoreError::Directory(directory.into(), why))?;
        let connection = connect(&directory.join(DATABASE), limit)?;
        let (secret, time) = connection
            .query_row("SELECT secret, time FROM store", [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(Store {
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

    /// Removes a directory's database, if nobody is using it; says whether it did.
    pub fn remove(directory: &Path) -> Result<bool> {
        let at = |why| StoreError::Directory(directory.into(), why);
        let lock = lock_file(directory)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(false),
            Err(TryLockError::Error(why)) => return Err(at(why)),
        }
        for name in [DATABASE.to_string(), format!("{DATABASE}-journal")] {
            match fs::remove_file(directory.join(name)) {
                Err(why) if why.kind() != io::ErrorKind::NotFound => return Err(at(why)),
                _ => {}
            }
        }
        Ok(true)
    }

    /// Whether there was nothing in it when it was opened.
    pub fn is_new(&self) -> bool {
        self.time == BEGINNING
    }

    /// Calls `take` with the bytes of the entries there are, and their places among the ids. In ascending order they are found
    /// fastest.
    pub fn read(&mut self, ids: &[i64], mut take: impl FnMut(usize, &[u8])) -> Result<()> {
        for (number, chunk) in ids.chunks(CHUNK).enumerate() {
            self.start_reading()?;
            let mut select = self.connection.prepare_cached("SELECT time, bytes FROM entry WHERE id = ?1")?;
            for (at, id) in chunk.iter().enumerate() {
                if let Some(row) = select.query([id])?.next()? {
                    if row.get::<_, i64>(0)? < self.time {
                        self.stale.push(*id);
                    }
                    let bytes = row.get_ref(1)?.as_blob();
                    let bytes = bytes.map_err(|_| StoreError::Damaged("an entry is no blob".into()))?;
                    take(number * CHUNK + at, bytes);
                }
            }
        }
        Ok(())
    }

    /// Begins a turn of reading if there is none that can go on.
    fn start_reading(&mut self) -> Result<()> {
        if self.reading_since.is_some_and(|since| since.elapsed() > TURN) {
            self.stop_reading()?;
        }
        if self.reading_since.is_none() {
            self.connection.execute_batch("BEGIN")?;
            self.reading_since = Some(Instant::now());
        }
        Ok(())
    }

    /// Lets others write.
    pub fn stop_reading(&mut self) -> Result<()> {
        match self.reading_since.take() {
            Some(_) => Ok(self.connection.execute_batch("COMMIT")?),
            None => Ok(()),
        }
    }

    /// Stores entries, and notes that those read were used, in one transaction. Those least recently used go if there
    /// are too many. An entry that is there already is replaced: it was not what was looked for.
    pub fn write(&mut self, batch: &mut Batch) -> Result<()> {
        let Batch { entries, bytes } = batch;
        self.stop_reading()?;
        let mut used = std::mem::take(&mut self.stale);
        if self.file_bytes()? <= self.limit / 2 {
            used.clear();
        }
        if entries.is_empty() && used.is_empty() {
            return Ok(());
        }
        // In the order of the B-tree, so that each page is changed once.
        entries.sort_unstable_by_key(|entry| entry.0);
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
            for &(id, start, end) in entries.iter() {
                insert.execute(params![id, time, &bytes[start..end]])?;
            }
            for id in used {
                renew.execute(params![id, time])?;
            }
        }
        transaction.commit()?;
        match self.file_bytes()? > self.limit {
            true => self.prune(self.limit / 10 * 9),
            false => Ok(()),
        }
    }

    /// Removes the least recently used entries until the database takes no more than `bytes`.
    pub fn prune(&mut self, bytes: u64) -> Result<()> {
        // Pages stay that are not full any more, so that what is left takes more room than its share.
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

    /// Calls `check` with each entry's bytes, and removes those of which it says that they are damaged. Returns how
    /// many there were.
    pub fn verify(&mut self, check: impl Fn(&[u8]) -> bool) -> Result<u64> {
        let state: String = self.connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if state != "ok" {
            return Err(StoreError::Damaged(state));
        }
        let mut damaged = Vec::new();
        {
            let mut all = self.connection.prepare("SELECT id, bytes FROM entry")?;
            let mut rows = all.query([])?;
            while let Some(row) = rows.next()? {
                if !row.get_ref(1)?.as_blob().is_ok_and(&check) {
                    damaged.push(row.get::<_, i64>(0)?);
                }
            }
        }
        self.forget(&damaged)?;
        Ok(damaged.len() as u64)
    }

    /// Removes entries.
    pub fn forget(&mut self, ids: &[i64]) -> Result<()> {
        for id in ids {
            self.connection.execute("DELETE FROM entry WHERE id = ?1", [id])?;
        }
        Ok(())
    }

    /// How much is in it.
    pub fn contents(&self) -> Result<Contents> {
        let entries: i64 = self.connection.query_row("SELECT count(*) FROM entry", [], |row| row.get(0))?;
        Ok(Contents {
            entries: entries as u64,
            entry_bytes: entry_bytes(&self.connection)?,
            file_bytes: self.file_bytes()?,
        })
    }

    /// What makes keys of texts differ from those of other stores.
    pub fn secret(&self) -> &[u8; 32] {
        &self.secret
    }

    /// Where it is.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    fn file_bytes(&self) -> Result<u64> {
        file_bytes(&self.connection)
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

/// Makes a directory that only its user can look into, or checks that no one else can change what is in it.
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
    // The file may have been written by anybody's program: nothing in it is run, and cells are checked.
    connection.execute_batch(
        "PRAGMA synchronous = OFF; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; \
         PRAGMA mmap_size = 0; PRAGMA cache_size = -65536;",
    )?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables == 0 {
        // Not in every build: the pragma that says how to vacuum writes to the database.
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
    // Room for a little more than the limit: it is exceeded before entries go.
    let most = limit / u64::from(PAGE) * 2 + 1024;
    connection.pragma_update(None, "max_page_count", most as i64)?;
    Ok(connection)
}
