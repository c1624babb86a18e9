//! The bytes around a record, and the search for whole records behind a bad one.
//!
//! Pure functions over byte slices; no file is touched here.

use super::record::Record;

/// First bytes of every journal. The high bit and the line ends show a transfer in text mode.
pub(super) const MAGIC: [u8; 8] = *b"\x89TTJ\r\n\x1a\n";
/// Version of the format that this build writes and reads.
pub const FORMAT: u32 = 1;
/// Bytes before a payload.
pub(super) const HEAD: usize = 8;
/// Largest payload; a full book with 500 levels a side has about 30 kB.
pub(super) const MAX_PAYLOAD: u32 = 4 << 20;
/// Largest header.
pub(super) const MAX_HEADER: u32 = 16 << 20;
/// How much of what follows a bad record is searched. More than a torn write can leave behind.
pub(super) const SEARCH_WINDOW: usize = 3 * (MAX_PAYLOAD as usize + HEAD);
/// Bytes that a search may put through the checksum before it gives up.
const SEARCH_BUDGET: usize = 256 << 20;

/// Length and checksum in front of a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) len: u32,
    pub(super) crc: u32,
}

impl Head {
    /// Head at the start of `bytes`; `None` when they are too few.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (len, rest) = bytes.split_first_chunk::<4>()?;
        let (crc, _) = rest.split_first_chunk::<4>()?;
        Some(Self {
            len: u32::from_le_bytes(*len),
            crc: u32::from_le_bytes(*crc),
        })
    }

    /// Whether the length is one that is ever written.
    pub(super) const fn is_plausible(self) -> bool {
        0 < self.len && self.len <= MAX_PAYLOAD
    }
}

/// Checksum of a payload in its chain.
pub(super) fn checksum(chain: u32, payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&chain.to_le_bytes());
    hasher.update(payload);
    hasher.finalize()
}

/// Checksum of the header; the chain of the records begins with it.
pub(super) fn header_checksum(format: u32, header: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&format.to_le_bytes());
    hasher.update(&(header.len() as u64).to_le_bytes());
    hasher.update(header);
    hasher.finalize()
}

/// Reads a payload.
pub(super) fn decode(payload: &[u8]) -> Result<Record, String> {
    match postcard::take_from_bytes(payload) {
        Ok((record, [])) => Ok(record),
        Ok((_, rest)) => Err(format!("{} bytes too many", rest.len())),
        Err(error) => Err(error.to_string()),
    }
}

/// What a search behind a bad record found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Behind {
    /// Nothing that was ever a whole record: the bad one is a torn tail.
    Nothing,
    /// A whole record: the bad one is damage in the middle.
    Record,
    /// It would take too long to say; a crash does not leave such a thing behind.
    TooMuch,
}

/// Looks for a whole record behind the bad one that begins at `tail[0]`.
///
/// `n_records` is the number of whole records before it. A candidate counts when its checksum
/// continues the bad record's chain, when its successor continues its own, or when it decodes
/// and ends exactly with the file.
pub(super) fn search(tail: &[u8], chain: u32, n_records: u64) -> Behind {
    if tail.iter().all(|b| *b == 0) {
        return Behind::Nothing;
    }
    let bad = Head::read(tail);
    // Either the stored checksum is right and the payload bad, or the other way round.
    let recomputed = bad.and_then(|head| Some(checksum(chain, payload_at(tail, 0, head)?)));
    let chains = [bad.map(|head| head.crc), recomputed];
    let mut budget = SEARCH_BUDGET;
    for at in 1..tail.len() {
        let Some(head) = candidate(tail, at) else {
            continue;
        };
        let payload = payload_at(tail, at, head).unwrap_or_default();
        let next_at = at + HEAD + payload.len();
        let next = candidate(tail, next_at);
        let cost = 2 * payload.len() + next.map_or(0, |head| head.len as usize) + HEAD;
        let Some(left) = budget.checked_sub(cost) else {
            return Behind::TooMuch;
        };
        budget = left;
        let follows = chains
            .iter()
            .flatten()
            .any(|chain| checksum(*chain, payload) == head.crc);
        let is_followed = next.is_some_and(|next| {
            payload_at(tail, next_at, next).is_some_and(|p| checksum(head.crc, p) == next.crc)
        });
        let is_last =
            next_at == tail.len() && decode(payload).is_ok_and(|record| record.seq() > n_records);
        if follows || is_followed || is_last {
            return Behind::Record;
        }
    }
    Behind::Nothing
}

/// Head at `at` if a record could begin there: a usable length, and the first byte of a record.
fn candidate(tail: &[u8], at: usize) -> Option<Head> {
    let head = Head::read(tail.get(at..)?).filter(|head| head.is_plausible())?;
    let payload = payload_at(tail, at, head)?;
    matches!(payload.first(), Some(0 | 1)).then_some(head)
}

fn payload_at(tail: &[u8], at: usize, head: Head) -> Option<&[u8]> {
    if !head.is_plausible() {
        return None;
    }
    let from = at.checked_add(HEAD)?;
    tail.get(from..from.checked_add(head.len as usize)?)
}
