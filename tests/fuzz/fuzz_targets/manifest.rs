//! The readers of what registries send: manifests of policies, lists of manifests, payloads of signatures; and references
//! to them. Whatever bytes come are read or refused in words of one line.
//!
//! The first byte chooses the reader. A payload is signed by a key that is trusted before it is read: nothing else reaches
//! that reader.

#![no_main]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use libfuzzer_sys::fuzz_target;
use registry::keys::{KeySet, PrivateKey};
use registry::signature::Signature;
use registry::{Digest, Reference, manifest};
use std::sync::LazyLock;

static TRUSTED: LazyLock<Option<(PrivateKey, KeySet)>> = LazyLock::new(|| {
    let (key, _) = PrivateKey::generate().ok()?;
    let trusted = KeySet::of(vec![key.public()], []);
    Some((key, trusted))
});

fuzz_target!(|data: &[u8]| {
    let Some((first, bytes)) = data.split_first() else {
        return;
    };
    let refused = match first % 4 {
        0 => manifest::read(bytes).err(),
        1 => manifest::list(bytes).err(),
        2 => payload(bytes),
        _ => reference(bytes),
    };
    if let Some(why) = refused {
        assert!(!why.is_empty() && !why.contains('\n'), "{why:?}");
    }
});

fn payload(bytes: &[u8]) -> Option<String> {
    let (Some((key, trusted)), Ok(payload)) = (TRUSTED.as_ref(), std::str::from_utf8(bytes)) else {
        return None;
    };
    let signature = Signature {
        payload: payload.to_owned(),
        signature: STANDARD.encode(key.sign(bytes).ok()?),
    };
    signature.signer(&Digest::of(b"component"), trusted).err()
}

fn reference(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    match text.parse::<Reference>() {
        Ok(reference) => {
            let again = reference.to_string().parse();
            assert_eq!(again.ok(), Some(reference), "written, it is another");
            None
        }
        Err(why) => Some(why.to_string()),
    }
}
