//! Which files does the spool have? Segments, a cursor, what was refused and what was damaged.

use std::{
    fs::{self, File, OpenOptions},
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use super::{
    Chain, Place, Record, SpoolError,
    record::{EMPTY_SEGMENT_BYTES, encode_header},
};

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> SpoolError {
    let path = path.to_owned();
    move |source| SpoolError::Io { doing, path, source }
}

pub fn segment_path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:010}.seg"))
}

/// The numbers of the segment files, ascending.
pub fn segment_numbers(dir: &Path) -> Result<Vec<u64>, SpoolError> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(dir).map_err(failed("list", dir))? {
        let path = entry.map_err(failed("list", dir))?.path();
        if path.extension().is_some_and(|e| e == "seg") {
            let number = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
            numbers.extend(number.filter(|n| segment_path(dir, *n) == path));
        }
    }
    numbers.sort_unstable();
    Ok(numbers)
}

pub fn make_dir(dir: &Path) -> Result<(), SpoolError> {
    fs::create_dir_all(dir).map_err(failed("make", dir))
}

/// A segment appears whole, header and all, or not at all.
pub fn create_segment(dir: &Path, number: u64, chain: &Chain) -> Result<(File, u64), SpoolError> {
    let path = segment_path(dir, number);
    replace(&path, &encode_header(chain), true)?;
    Ok((open_tail(&path)?, EMPTY_SEGMENT_BYTES))
}

pub fn open_tail(path: &Path) -> Result<File, SpoolError> {
    OpenOptions::new().append(true).open(path).map_err(failed("open", path))
}

/// Writes a file under another name and moves it into place. With `durable` it is on disk afterwards.
pub fn replace(path: &Path, content: &[u8], durable: bool) -> Result<(), SpoolError> {
    let temporary = path.with_extension("new");
    let mut options = OpenOptions::new();
    let options = options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(&temporary).map_err(failed("make", &temporary))?;
    file.write_all(content).map_err(failed("write to", &temporary))?;
    if durable {
        file.sync_all().map_err(failed("fsync", &temporary))?;
    }
    fs::rename(&temporary, path).map_err(failed("rename to", path))?;
    if durable { sync_parent(path) } else { Ok(()) }
}

fn sync_parent(path: &Path) -> Result<(), SpoolError> {
    let dir = path.parent().unwrap_or(Path::new("."));
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(failed("fsync", dir))
}

pub fn read(path: &Path) -> Result<Vec<u8>, SpoolError> {
    fs::read(path).map_err(failed("read", path))
}

pub fn read_at(path: &Path, offset: u64, bytes: usize) -> Result<Vec<u8>, SpoolError> {
    let mut file = File::open(path).map_err(failed("open", path))?;
    file.seek(SeekFrom::Start(offset)).map_err(failed("read", path))?;
    let mut content = vec![0; bytes];
    file.read_exact(&mut content).map_err(failed("read", path))?;
    Ok(content)
}

/// Cuts off a torn record for good, before anything is written behind it.
pub fn cut(path: &Path, len: u64) -> Result<(), SpoolError> {
    let file = OpenOptions::new().write(true).open(path).map_err(failed("open", path))?;
    file.set_len(len).and_then(|()| file.sync_all()).map_err(failed("cut", path))
}

pub fn remove(path: &Path) -> Result<(), SpoolError> {
    fs::remove_file(path).map_err(failed("remove", path))
}

/// Keeps a copy of a file that can't be read, for a person.
pub fn keep_damaged(dir: &Path, path: &Path) -> Result<PathBuf, SpoolError> {
    let kept_dir = dir.join("damaged");
    make_dir(&kept_dir)?;
    let kept = kept_dir.join(path.file_name().unwrap_or_default());
    fs::copy(path, &kept).map_err(failed("copy", path))?;
    Ok(kept)
}

fn cursor_path(dir: &Path) -> PathBuf {
    dir.join("delivered")
}

/// Losing the cursor costs duplicates, which are recognised; so it is not waited for, except where an old one
/// would hide new reports.
pub fn write_cursor(dir: &Path, place: Place, durable: bool) -> Result<(), SpoolError> {
    let mut content = Vec::with_capacity(20);
    content.extend_from_slice(&place.segment.to_le_bytes());
    content.extend_from_slice(&place.offset.to_le_bytes());
    content.extend_from_slice(&crc32fast::hash(&content).to_le_bytes());
    replace(&cursor_path(dir), &content, durable)
}

/// The cursor, where there is a whole one.
pub fn read_cursor(dir: &Path) -> Option<Place> {
    let content: [u8; 20] = fs::read(cursor_path(dir)).ok()?.try_into().ok()?;
    let (place, crc) = content.split_at(16);
    let (segment, offset) = place.split_at(8);
    (crc32fast::hash(place).to_le_bytes() == *crc).then_some(Place {
        segment: u64::from_le_bytes(segment.try_into().ok()?),
        offset: u64::from_le_bytes(offset.try_into().ok()?),
    })
}

/// Keeps a refused report with the answer beside it. Returns the bytes they take.
pub fn write_refused(dir: &Path, record: &Record, answer: &str) -> Result<u64, SpoolError> {
    make_dir(dir)?;
    let safe: String = record.id.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect();
    let name = format!("{:020}-{safe}", record.seq);
    replace(&dir.join(format!("{name}.json")), &record.body, true)?;
    replace(&dir.join(format!("{name}.answer")), answer.as_bytes(), true)?;
    Ok(u64::try_from(record.body.len() + answer.len()).unwrap_or(u64::MAX))
}

/// What the files of a directory take; nothing where there is none.
pub fn bytes_in(dir: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(dir) else { return 0 };
    entries.flatten().filter_map(|entry| entry.metadata().ok()).map(|meta| meta.len()).sum()
}
