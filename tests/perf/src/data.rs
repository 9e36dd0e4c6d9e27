//! Outside data: where it is, and its rows.

use anyhow::{Context, Result};
use std::io::Read;
use std::path::PathBuf;

/// The folder of outside data: `PLIMSOLL_DATA`, else `../shared/data` beside the checkout.
pub fn folder() -> PathBuf {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    std::env::var_os("PLIMSOLL_DATA").map_or_else(beside, PathBuf::from)
}

/// One of its files, unpacked (`.zst`, `.gz` or plain).
pub fn read(name: &str) -> Result<Vec<u8>> {
    let path = folder().join(name);
    let packed = std::fs::read(&path).with_context(|| path.display().to_string())?;
    let mut plain = Vec::new();
    if packed.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        plain = zstd::stream::decode_all(&packed[..])?;
    } else if packed.starts_with(&[0x1f, 0x8b]) {
        flate2::read::MultiGzDecoder::new(&packed[..]).read_to_end(&mut plain)?;
    } else {
        plain = packed;
    }
    Ok(plain)
}
