//! Certificates that change while they are served, as a mounted Secret changes them.

#![expect(clippy::unwrap_used, reason = "all of this is test code")]

use super::OneName;
use super::stage::{Stage, options};
use rcgen::{CertificateParams, CertifiedIssuer, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use serve::TlsFiles;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::default();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// Certificate and key, PEM.
fn leaf(by: &Authority, until: i32) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.not_after = rcgen::date_time_ymd(until, 1, 1);
    (params.signed_by(&key, by).unwrap().pem(), key.serialize_pem())
}

/// As the kubelet does it: a new folder, and a link that changes over at once.
fn mount(volume: &Path, version: u32, (certificate, key): &(String, String), ca: &str) {
    let folder = volume.join(format!("..{version}"));
    std::fs::create_dir(&folder).unwrap();
    for (name, text) in [
        ("tls.crt", certificate.as_str()),
        ("tls.key", key),
        ("ca.crt", ca),
    ] {
        std::fs::write(folder.join(name), text).unwrap();
        let link = volume.join(name);
        if std::fs::symlink_metadata(&link).is_err() {
            std::os::unix::fs::symlink(format!("..data/{name}"), link).unwrap();
        }
    }
    let next = volume.join("..data_tmp");
    std::os::unix::fs::symlink(&folder, &next).unwrap();
    std::fs::rename(next, volume.join("..data")).unwrap();
}

/// A handshake, to its very end: a refusal of the client's certificate comes after it.
async fn shake(stage: &Stage, mut client: Arc<ClientConfig>) -> Result<TlsStream<TcpStream>, String> {
    Arc::make_mut(&mut client).alpn_protocols = vec![b"h2".to_vec()];
    let stream = TcpStream::connect(stage.serving.grpc).await.unwrap();
    let shaken = TlsConnector::from(client).connect("localhost".try_into().unwrap(), stream);
    let mut shaken = shaken.await.map_err(|error| error.to_string())?;
    // The server's settings come at once.
    shaken.read_u8().await.map_err(|error| error.to_string())?;
    Ok(shaken)
}

fn client(trusts: &Authority, shows: Option<&(String, String)>) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(trusts.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = builder.with_root_certificates(roots);
    let Some((chain, key)) = shows else {
        return Arc::new(builder.with_no_client_auth());
    };
    let chain = vec![CertificateDer::from_pem_slice(chain.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    Arc::new(builder.with_client_auth_cert(chain, key).unwrap())
}

/// The body of `path`, once it has this in it.
async fn says(stage: &Stage, path: &str, wanted: &str) -> String {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        let (_, text) = stage.get(path).await;
        if text.contains(wanted) || Instant::now() > until {
            assert!(text.contains(wanted), "{wanted} is missing in {text}");
            return text;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// A renewed Secret used to need a new pod: until somebody restarted it, clients met a certificate that had ended.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changed_files_are_taken_and_broken_ones_are_not() {
    let (first, second) = (authority(), authority());
    let volume = tempfile::tempdir().unwrap();
    let mine = leaf(&first, 2096);
    mount(volume.path(), 1, &leaf(&first, 2096), &first.pem());
    let file = |name: &str| volume.path().join(name);
    let mut options = options();
    options.tls = Some(TlsFiles {
        certificate: file("tls.crt"),
        key: file("tls.key"),
        client_ca: Some(file("ca.crt")),
    });
    let stage = Stage::serve(&options, Arc::new(OneName), 5).await;
    stage.cycle().await;
    let mut open = shake(&stage, client(&first, Some(&mine))).await.unwrap();
    let served =
        "plimsoll_certificate_not_after_timestamp_seconds{listener=\"grpc\",certificate=\"certificate\"} ";
    says(&stage, "/metrics", &format!("{served}3976214400")).await;

    // A key that is another's: what is in force stays, and says so.
    let torn = (leaf(&first, 2097).0, mine.1.clone());
    mount(volume.path(), 2, &torn, &first.pem());
    says(
        &stage,
        "/metrics",
        "plimsoll_certificate_reloads_total{listener=\"grpc\",result=\"refused\"} 1",
    )
    .await;
    says(
        &stage,
        "/readyz",
        "grpc: new certificate files cannot be used, the last good ones stay in force",
    )
    .await;
    mount(volume.path(), 3, &leaf(&first, 2020), &first.pem());
    says(&stage, "/readyz", "stay in force: the certificate has expired").await;
    assert!(shake(&stage, client(&first, Some(&mine))).await.is_ok());

    // A new certificate by a new authority, which is the clients' now, too.
    mount(volume.path(), 4, &leaf(&second, 2098), &second.pem());
    says(&stage, "/metrics", &format!("{served}4039372800")).await;
    let text = says(&stage, "/metrics", "listener=\"grpc\",result=\"good\"} 1").await;
    assert!(
        text.contains("{listener=\"grpc\",result=\"refused\"} 2"),
        "each is counted once: {text}"
    );
    assert!(
        text.contains("listener=\"grpc\",certificate=\"client_ca\"} "),
        "{text}"
    );
    let (_, ready) = stage.get("/readyz").await;
    assert!(!ready.contains("certificate"), "{ready}");
    assert!(
        shake(&stage, client(&first, Some(&mine))).await.is_err(),
        "the old one is not served"
    );
    assert!(
        shake(&stage, client(&second, Some(&mine))).await.is_err(),
        "the old clients are not let in"
    );
    assert!(
        shake(&stage, client(&second, Some(&leaf(&second, 2098))))
            .await
            .is_ok()
    );
    // Who is connected stays so.
    let quiet = tokio::time::timeout(Duration::from_millis(100), async {
        let mut buffer = [0; 64];
        loop {
            if !matches!(open.read(&mut buffer).await, Ok(1..)) {
                return;
            }
        }
    });
    assert!(quiet.await.is_err(), "an open connection was closed");
    tokio::task::spawn_blocking(move || stage.serving.stop())
        .await
        .unwrap();
}

/// A review by HTTP/1.1; the status that comes back.
async fn review(address: SocketAddr, client: Arc<ClientConfig>) -> Result<String, String> {
    let said = |error: std::io::Error| error.to_string();
    let stream = TcpStream::connect(address).await.unwrap();
    let shaking = TlsConnector::from(client).connect("localhost".try_into().unwrap(), stream);
    let mut shaken = shaking.await.map_err(said)?;
    let request =
        "POST /admit/v1/pods HTTP/1.1\r\nHost: plimsoll\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
    shaken.write_all(request.as_bytes()).await.map_err(said)?;
    let mut answer = String::new();
    shaken.read_to_string(&mut answer).await.map_err(said)?;
    Ok(answer.lines().next().unwrap_or_default().to_owned())
}

/// Whoever reached the webhook's port could ask it about pods.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_webhook_answers_the_api_server_alone_where_it_can_be_told() {
    let (ours, theirs, strangers) = (authority(), authority(), authority());
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.crt");
    std::fs::write(&ca, theirs.pem()).unwrap();
    let mut options = options();
    for client_ca in [None, Some(ca)] {
        let asks = client_ca.is_some();
        options.admission = Some(serve::Admission {
            bind: "127.0.0.1:0".parse().unwrap(),
            namespace: "plimsoll-system".to_owned(),
            client_ca,
        });
        let stage = Stage::serve(&options, Arc::new(OneName), 5).await;
        let webhook = stage.serving.admission.clone().unwrap();
        let (chain, key) = leaf(&ours, 2096);
        webhook.keys.install(&chain, &key).unwrap();
        let good = Ok("HTTP/1.1 400 Bad Request".to_owned());
        let (api_server, stranger) = (leaf(&theirs, 2096), leaf(&strangers, 2096));
        assert_eq!(
            review(webhook.address, client(&ours, Some(&api_server))).await,
            good
        );
        for other in [None, Some(&stranger)] {
            let answer = review(webhook.address, client(&ours, other)).await;
            assert_eq!(answer.is_err(), asks, "{answer:?}");
        }
        let ends = "plimsoll_certificate_not_after_timestamp_seconds{listener=\"admission\",certificate=\"certificate\"} 3976214400";
        says(&stage, "/metrics", ends).await;
        tokio::task::spawn_blocking(move || stage.serving.stop())
            .await
            .unwrap();
    }
    std::fs::write(folder.path().join("none.crt"), "no certificate").unwrap();
    let refused = serve::check_client_ca(&folder.path().join("none.crt")).unwrap_err();
    assert!(
        refused.to_string().starts_with("admission.client_ca: "),
        "{refused}"
    );
}
