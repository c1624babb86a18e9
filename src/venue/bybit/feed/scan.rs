//! Reads JSON from bytes, one value after the other, without allocating.
//!
//! Strict where it matters: what is skipped must be JSON too, and nothing panics on any bytes.
//! Escapes are not decoded: a text that has one is [`Fault::Escaped`], and the caller takes the
//! slow way. Whether texts are UTF-8 is looked at only where they are used as text.

use super::error::FrameProblem;
use super::number::{eight, zero_byte_of_8};

/// Arrays and objects within each other, at most; as in `serde_json`.
const MAX_NESTING: usize = 127;

/// Why reading stopped.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Not JSON, or another value than expected, at this byte.
    Json(usize),
    /// A text with an escape where its exact bytes are needed.
    Escaped,
    /// JSON, but of no use.
    Problem(Box<FrameProblem>),
}

impl From<FrameProblem> for Fault {
    fn from(problem: FrameProblem) -> Self {
        Self::Problem(Box::new(problem))
    }
}

/// A place in a text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Byte that is read next.
    pub(super) const fn at(&self) -> usize {
        self.at
    }

    /// Moves on by `n` bytes, which the caller has seen.
    pub(super) const fn advance(&mut self, n: usize) {
        self.at += n;
    }

    /// What has not been read.
    #[inline]
    pub(super) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// What has been read since `from`.
    pub(super) fn since(&self, from: usize) -> &'a [u8] {
        self.bytes.get(from..self.at).unwrap_or_default()
    }

    /// Next byte that is no white space.
    #[inline]
    pub(super) fn peek(&mut self) -> Option<u8> {
        loop {
            let byte = *self.bytes.get(self.at)?;
            if !matches!(byte, b' ' | b'\n' | b'\t' | b'\r') {
                return Some(byte);
            }
            self.at += 1;
        }
    }

    /// Takes `byte` if it comes next.
    #[inline]
    pub(super) fn eat(&mut self, byte: u8) -> bool {
        let comes = self.peek() == Some(byte);
        self.at += usize::from(comes);
        comes
    }

    /// Takes `byte`, which must come next.
    #[inline]
    pub(super) fn expect(&mut self, byte: u8) -> Result<(), Fault> {
        if self.eat(byte) {
            Ok(())
        } else {
            Err(self.fault())
        }
    }

    /// The error of this place.
    #[cold]
    pub(super) fn fault(&self) -> Fault {
        Fault::Json(self.at)
    }

    /// Nothing but white space may follow.
    pub(super) fn end(&mut self) -> Result<(), Fault> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.fault()),
        }
    }

    /// Next key of an object whose brace has been read; `None` behind its last value.
    #[inline]
    pub(super) fn key(&mut self, is_first: &mut bool) -> Result<Option<&'a [u8]>, Fault> {
        if self.eat(b'}') {
            return Ok(None);
        }
        if *is_first {
            *is_first = false;
        } else {
            self.expect(b',')?;
        }
        let key = self.string()?;
        self.expect(b':')?;
        Ok(Some(key))
    }

    /// A text without escapes, as its bytes.
    #[inline]
    pub(super) fn string(&mut self) -> Result<&'a [u8], Fault> {
        self.expect(b'"')?;
        let rest = self.rest();
        let n = plain_len(rest);
        match rest.get(n) {
            Some(b'"') => {
                self.at += n + 1;
                Ok(&rest[..n])
            }
            Some(b'\\') => Err(Fault::Escaped),
            _ => {
                self.at += n;
                Err(self.fault())
            }
        }
    }

    /// A whole number from zero that fits 64 bits; `None`, with nothing taken, for another value.
    #[inline]
    pub(super) fn integer(&mut self) -> Option<u64> {
        self.peek()?;
        let rest = self.rest();
        let (value, n) = match rest.first_chunk::<16>().and_then(super::number::digits_16) {
            Some(found) => found,
            None => digits(rest)?,
        };
        let is_whole = !matches!(rest.get(n), Some(b'.' | b'e' | b'E'));
        let is_plain = n == 1 || rest.first() != Some(&b'0');
        if !is_whole || !is_plain {
            return None;
        }
        self.at += n;
        Some(value)
    }

    /// Passes over one value of any kind.
    pub(super) fn skip(&mut self) -> Result<(), Fault> {
        let mut open = [0_u8; MAX_NESTING];
        let mut depth = 0;
        loop {
            match self.peek().ok_or_else(|| self.fault())? {
                opening @ (b'{' | b'[') => {
                    let closing = if opening == b'{' { b'}' } else { b']' };
                    self.at += 1;
                    if !self.eat(closing) {
                        *open.get_mut(depth).ok_or_else(|| self.fault())? = closing;
                        depth += 1;
                        if closing == b'}' {
                            self.skip_key()?;
                        }
                        continue;
                    }
                }
                b'"' => self.skip_string()?,
                b't' => self.skip_word(b"true")?,
                b'f' => self.skip_word(b"false")?,
                b'n' => self.skip_word(b"null")?,
                _ => self.skip_number()?,
            }
            // A value has ended, and perhaps with it what it is in.
            loop {
                let Some(closing) = depth.checked_sub(1).and_then(|at| open.get(at).copied())
                else {
                    return Ok(());
                };
                if self.eat(b',') {
                    if closing == b'}' {
                        self.skip_key()?;
                    }
                    break;
                }
                self.expect(closing)?;
                depth -= 1;
            }
        }
    }

    fn skip_key(&mut self) -> Result<(), Fault> {
        if self.peek() != Some(b'"') {
            return Err(self.fault());
        }
        self.skip_string()?;
        self.expect(b':')
    }

    fn skip_word(&mut self, word: &[u8]) -> Result<(), Fault> {
        if !self.rest().starts_with(word) {
            return Err(self.fault());
        }
        self.at += word.len();
        Ok(())
    }

    fn skip_string(&mut self) -> Result<(), Fault> {
        self.at += 1;
        while let Some(&byte) = self.bytes.get(self.at) {
            self.at += 1;
            match byte {
                b'"' => return Ok(()),
                b'\\' => self.skip_escape()?,
                0..0x20 => break,
                _ => {}
            }
        }
        Err(self.fault())
    }

    fn skip_escape(&mut self) -> Result<(), Fault> {
        let n = match self.rest() {
            [b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => 1,
            [b'u', a, b, c, d, ..] if [a, b, c, d].into_iter().all(u8::is_ascii_hexdigit) => 5,
            _ => return Err(self.fault()),
        };
        self.at += n;
        Ok(())
    }

    fn skip_number(&mut self) -> Result<(), Fault> {
        self.at += usize::from(self.rest().first() == Some(&b'-'));
        match self.rest() {
            [b'0', ..] => self.at += 1,
            _ => self.skip_digits()?,
        }
        if self.rest().first() == Some(&b'.') {
            self.at += 1;
            self.skip_digits()?;
        }
        if let [b'e' | b'E', sign, ..] = self.rest() {
            self.at += 1 + usize::from(matches!(sign, b'+' | b'-'));
            self.skip_digits()?;
        }
        match self.rest().first() {
            Some(b'0'..=b'9' | b'e' | b'E') => Err(self.fault()),
            _ => Ok(()),
        }
    }

    fn skip_digits(&mut self) -> Result<(), Fault> {
        let n = self
            .rest()
            .iter()
            .take_while(|b| b.is_ascii_digit())
            .count();
        self.at += n;
        if n == 0 { Err(self.fault()) } else { Ok(()) }
    }
}

/// Bytes of a text in front of the first quote, escape or control character.
#[inline]
pub(super) fn plain_len(bytes: &[u8]) -> usize {
    let mut n = 0;
    while let Some(word) = bytes.get(n..).and_then(<[u8]>::first_chunk::<8>) {
        let word = u64::from_le_bytes(*word);
        let below_space = word.wrapping_sub(eight(0x20)) & !word & eight(0x80);
        let special =
            zero_byte_of_8(word ^ eight(b'"')) | zero_byte_of_8(word ^ eight(b'\\')) | below_space;
        if special != 0 {
            // The lowest mark is exact, whatever the ones above it say.
            return n + (special.trailing_zeros() / 8) as usize;
        }
        n += 8;
    }
    let behind = bytes.get(n..).unwrap_or_default();
    let is_plain = |byte: &&u8| !matches!(**byte, b'"' | b'\\' | 0..0x20);
    n + behind.iter().take_while(is_plain).count()
}

/// Digits at the front, when there are any and their value fits, and how many there are.
#[cold]
fn digits(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0_u64;
    let mut n = 0;
    while let Some(byte @ b'0'..=b'9') = bytes.get(n) {
        value = value.checked_mul(10)?.checked_add(u64::from(byte - b'0'))?;
        n += 1;
    }
    (n != 0).then_some((value, n))
}
