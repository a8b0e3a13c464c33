//! Are both sides sure of each other over `amqps`?

use std::{fs, time::Duration};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use releve_broker::{BrokerConfig, PublishError, Publisher, PublisherConfig, TlsConfig};
use releve_tests::{
    place::{Port, Scratch},
    rabbit::Rabbit,
};

use crate::kit::{Running, consuming, message};

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "authority of the test");
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// Certificate and key in PEM.
fn certified(authority: &Authority, name: &str) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    (params.signed_by(&key, authority).unwrap().pem(), key.serialize_pem())
}

#[tokio::test(flavor = "multi_thread")]
async fn both_sides_show_a_certificate() {
    let (authority, stranger) = (authority(), authority());
    let (server_cert, server_key) = certified(&authority, "localhost");
    let (client_cert, client_key) = certified(&authority, "aggregator");
    let scratch = Scratch::new("tls");
    let files = [("ca", authority.pem()), ("cert", server_cert), ("key", server_key)];
    let [ca, cert, key] = files.map(|(name, text)| scratch.write(name, &text).display().to_string());
    let port = Port::reserve();
    let rabbit = Rabbit::start_with(&format!(
        "listeners.ssl.1 = 127.0.0.1:{}\nssl_options.cacertfile = {ca}\nssl_options.certfile = {cert}\n\
         ssl_options.keyfile = {key}\nssl_options.verify = verify_peer\nssl_options.fail_if_no_peer_cert = true",
        port.number()
    ));
    assert!(fs::exists(scratch.path()).unwrap() && rabbit.port() != port.number());
    let url = format!("amqps://guest:guest@localhost:{}/%2f", port.number());
    let with = |authority: &Authority, identity: bool| {
        let identity_pem = identity.then(|| (client_cert.clone().into_bytes(), client_key.clone().into_bytes()));
        let tls = TlsConfig { authorities_pem: Some(authority.pem()), identity_pem };
        BrokerConfig::new(&url, "tls test").unwrap().with_tls(tls)
    };

    let mut config = consuming(&url, 1);
    config.broker = with(&authority, true);
    let consumer = Running::start(config, Duration::ZERO).await;
    let publisher = Publisher::connect(PublisherConfig::new(with(&authority, true), "releve")).unwrap();
    publisher.publish(message(1, 0, 64 * 1024)).await.unwrap();
    consumer.until_seen(1).await;
    consumer.stop().await;

    for broker in [with(&stranger, true), with(&authority, false)] {
        let mut config = PublisherConfig::new(broker, "releve");
        config.confirm_wait_max = Duration::from_secs(3);
        let publisher = Publisher::connect(config).unwrap();
        let error = publisher.publish(message(1, 1, 0)).await.unwrap_err();
        assert!(matches!(error, PublishError::Disconnected(_)), "{error:?}");
        assert_eq!(publisher.health().get().connections, 0);
    }
}
