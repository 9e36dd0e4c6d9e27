//! Unpacking of `.gz` contents, within the size limit of a file.

use crate::documents::MAX_BYTES;
use crate::problem::{Problems, of_file};
use std::borrow::Cow;
use std::io::Read;

/// The bytes as they are, or unpacked where they start as gzip does.
pub fn unpacked<'b>(file: &str, bytes: &'b [u8]) -> Result<Cow<'b, [u8]>, Problems> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(Cow::Borrowed(bytes));
    }
    let mut plain = Vec::new();
    let limit = MAX_BYTES as u64 + 1;
    let read = flate2::read::MultiGzDecoder::new(bytes)
        .take(limit)
        .read_to_end(&mut plain);
    match read {
        Err(error) => Err(of_file(file, None, format_args!("not a sound gzip file: {error}")).into()),
        Ok(_) if plain.len() > MAX_BYTES => {
            let what = format_args!("larger than {} MiB when unpacked", MAX_BYTES >> 20);
            Err(of_file(file, None, what).into())
        }
        Ok(_) => Ok(Cow::Owned(plain)),
    }
}
