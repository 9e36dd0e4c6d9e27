//! Keys against openssl, an implementation that is not ours, and files that hold none.

use super::*;
use std::process::Command;

fn openssl(room: &Path, args: &[&str]) {
    let done = Command::new("openssl")
        .current_dir(room)
        .args(args)
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "openssl {args:?}: {}",
        String::from_utf8_lossy(&done.stderr)
    );
}

#[test]
fn openssl_believes_our_signatures_and_we_believe_its() {
    let room = tempfile::tempdir().unwrap();
    let at = |name: &str| room.path().join(name);
    fs::write(at("message"), "a policy").unwrap();

    let (ours, pem) = PrivateKey::generate().unwrap();
    fs::write(at("ours.key"), pem).unwrap();
    fs::write(at("ours.pub"), ours.public().pem()).unwrap();
    fs::write(at("ours.sig"), ours.sign(b"a policy").unwrap()).unwrap();
    openssl(
        room.path(),
        &[
            "dgst",
            "-sha256",
            "-verify",
            "ours.pub",
            "-signature",
            "ours.sig",
            "message",
        ],
    );
    assert_eq!(PrivateKey::read(&at("ours.key")).unwrap().public(), ours.public());

    openssl(
        room.path(),
        &[
            "ecparam",
            "-name",
            "prime256v1",
            "-genkey",
            "-noout",
            "-out",
            "sec1.key",
        ],
    );
    openssl(
        room.path(),
        &[
            "pkcs8",
            "-topk8",
            "-nocrypt",
            "-in",
            "sec1.key",
            "-out",
            "theirs.key",
        ],
    );
    openssl(
        room.path(),
        &["pkey", "-in", "theirs.key", "-pubout", "-out", "theirs.pub"],
    );
    openssl(
        room.path(),
        &[
            "dgst",
            "-sha256",
            "-sign",
            "theirs.key",
            "-out",
            "theirs.sig",
            "message",
        ],
    );
    let theirs = public_keys(&at("theirs.pub")).unwrap().remove(0);
    assert_eq!(PrivateKey::read(&at("theirs.key")).unwrap().public(), theirs);
    let signature = fs::read(at("theirs.sig")).unwrap();
    assert!(theirs.has_signed(b"a policy", &signature));
    assert!(!theirs.has_signed(b"another", &signature) && !ours.public().has_signed(b"a policy", &signature));
    let said = PrivateKey::read(&at("sec1.key")).err().unwrap().to_string();
    assert!(said.contains("openssl pkcs8 -topk8"), "{said}");
}

#[test]
fn a_set_trusts_its_keys_until_they_are_revoked() {
    let room = tempfile::tempdir().unwrap();
    let at = |name: &str| room.path().join(name);
    let (first, second) = (
        PrivateKey::generate().unwrap().0,
        PrivateKey::generate().unwrap().0,
    );
    fs::create_dir(at("keys")).unwrap();
    fs::write(at("keys/a.pub"), first.public().pem()).unwrap();
    fs::write(at("keys/b.pem"), second.public().pem()).unwrap();
    fs::write(at("keys/README"), "not a key").unwrap();
    let signature = first.sign(b"m").unwrap();
    let files = [at("keys")];
    let set = KeySet::read(&files, None).unwrap();
    assert_eq!(set.signer(b"m", &signature), Ok(first.public().fingerprint()));
    assert!(
        set.signer(b"n", &signature)
            .unwrap_err()
            .contains("not among the trusted")
    );
    let gone = format!("# stolen\n{}  # laptop\n\n", first.public().fingerprint());
    let others = second.sign(b"m").unwrap();
    for (revoked, good, others_good) in [
        (gone, false, true),
        (first.public().pem(), false, true),
        (second.public().pem(), true, false),
        (String::new(), true, true),
    ] {
        fs::write(at("revoked"), revoked).unwrap();
        let set = KeySet::read(&files, Some(&at("revoked"))).unwrap();
        assert_eq!(set.signer(b"m", &signature).is_ok(), good);
        assert_eq!(set.signer(b"m", &others).is_ok(), others_good);
    }
}

#[test]
fn files_without_a_usable_key_say_so() {
    let room = tempfile::tempdir().unwrap();
    let file = room.path().join("k.pem");
    openssl(
        room.path(),
        &[
            "ecparam",
            "-name",
            "secp384r1",
            "-genkey",
            "-noout",
            "-out",
            "p384.key",
        ],
    );
    openssl(
        room.path(),
        &["pkey", "-in", "p384.key", "-pubout", "-out", "p384.pub"],
    );
    for (text, says) in [
        (String::new(), "holds no public key"),
        ("nonsense".to_owned(), "holds no public key"),
        (encoded("PUBLIC KEY", b"x"), "not of ECDSA on P-256"),
        (
            fs::read_to_string(room.path().join("p384.pub")).unwrap(),
            "not of ECDSA on P-256",
        ),
    ] {
        fs::write(&file, text).unwrap();
        let why = public_keys(&file).unwrap_err().to_string();
        assert!(why.contains(says) && why.contains("k.pem"), "{why}");
    }
    fs::write(&file, encoded("ENCRYPTED SIGSTORE PRIVATE KEY", b"x")).unwrap();
    assert!(
        PrivateKey::read(&file)
            .err()
            .unwrap()
            .to_string()
            .contains("encrypted")
    );
    let empty = [room.path().to_owned()];
    fs::remove_file(&file).unwrap();
    fs::remove_file(room.path().join("p384.pub")).unwrap();
    assert!(
        KeySet::read(&empty, None)
            .unwrap_err()
            .to_string()
            .contains("no public key")
    );
    fs::write(&file, "sha256:12").unwrap();
    let key = PrivateKey::generate().unwrap().0;
    let public = room.path().join("a.pub");
    fs::write(&public, key.public().pem()).unwrap();
    let why = KeySet::read(&[public], Some(&file)).unwrap_err().to_string();
    assert!(why.contains("k.pem:1"), "{why}");
}
