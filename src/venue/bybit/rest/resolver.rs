//! Names to addresses, with a deadline.
//!
//! A name server that hangs must not stop anything: each name is looked up by one blocking
//! thread at most, whoever waits gives up at the deadline, and the last good answer is used
//! again. That is safe because the host has to prove its name afterwards. This machine's own
//! name is never looked up.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Why a name has no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum ResolveError {
    #[error("looking up {host} has taken longer than {deadline:?}")]
    Late { host: String, deadline: Duration },
    #[error("{host} has no address: {cause}")]
    Failed { host: String, cause: String },
}

type Found = Result<Vec<IpAddr>, String>;
type Lookup = Arc<dyn Fn(String) -> BoxFuture<'static, Found> + Send + Sync>;

#[derive(Default)]
struct Known {
    last_good: Vec<IpAddr>,
    /// The lookup under way and its number.
    pending: Option<(u64, Shared<BoxFuture<'static, Found>>)>,
    started: u64,
}

/// Looks names up. Clones share what they know.
#[derive(Clone)]
pub(super) struct Resolver {
    lookup: Lookup,
    deadline: Duration,
    /// Held for a few lines at a time and never while waiting.
    known: Arc<Mutex<BTreeMap<String, Known>>>,
}

impl Resolver {
    /// Asks the system.
    pub(super) fn system(deadline: Duration) -> Self {
        Self::new(deadline, Arc::new(|host| ask_system(host).boxed()))
    }

    fn new(deadline: Duration, lookup: Lookup) -> Self {
        Self {
            lookup,
            deadline,
            known: Arc::default(),
        }
    }

    async fn find(&self, host: String) -> Result<Vec<IpAddr>, ResolveError> {
        if host == "localhost" {
            return Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
        }
        let (number, pending) = self.join_or_start(&host);
        let Ok(found) = tokio::time::timeout(self.deadline, pending).await else {
            // It goes on, and the next one to ask will see how it ended.
            let deadline = self.deadline;
            return self.last_good(&host, |host| ResolveError::Late { host, deadline });
        };
        let found = found.and_then(|addresses| {
            if addresses.is_empty() {
                return Err("the name is known and has none".to_owned());
            }
            Ok(addresses)
        });
        self.finish(&host, number, found.as_ref().ok());
        match found {
            Ok(addresses) => Ok(addresses),
            Err(cause) => self.last_good(&host, |host| ResolveError::Failed { host, cause }),
        }
    }

    fn join_or_start(&self, host: &str) -> (u64, Shared<BoxFuture<'static, Found>>) {
        let mut all = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let known = all.entry(host.to_owned()).or_default();
        if let Some(pending) = &known.pending {
            return pending.clone();
        }
        known.started += 1;
        let pending = (known.started, (self.lookup)(host.to_owned()).shared());
        known.pending = Some(pending.clone());
        pending
    }

    fn finish(&self, host: &str, number: u64, addresses: Option<&Vec<IpAddr>>) {
        let mut all = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let known = all.entry(host.to_owned()).or_default();
        // Of those who waited together, the first one tidies up.
        known.pending.take_if(|(pending, _)| *pending == number);
        if let Some(addresses) = addresses {
            known.last_good.clone_from(addresses);
        }
    }

    fn last_good(
        &self,
        host: &str,
        error: impl FnOnce(String) -> ResolveError,
    ) -> Result<Vec<IpAddr>, ResolveError> {
        let all = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match all.get(host) {
            Some(known) if !known.last_good.is_empty() => Ok(known.last_good.clone()),
            _ => Err(error(host.to_owned())),
        }
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let resolver = self.clone();
        Box::pin(async move {
            let found = resolver.find(name.as_str().to_owned()).await?;
            // Port 0 stands for the one of the address.
            let found = found.into_iter().map(|ip| SocketAddr::new(ip, 0));
            Ok(Box::new(found) as Addrs)
        })
    }
}

async fn ask_system(host: String) -> Found {
    let lookup = move || (host.as_str(), 0).to_socket_addrs();
    match tokio::task::spawn_blocking(lookup).await {
        Ok(Ok(found)) => Ok(found.map(|address| address.ip()).collect()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::future::join_all;
    use tokio::sync::watch;

    use super::super::error::of_failure;
    use super::super::{RestError, Step, client_config};
    use super::*;
    use crate::venue::bybit::hosts::Hosts;

    const DEADLINE: Duration = Duration::from_secs(1);
    const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

    /// A resolver whose lookups end as the test says, and how many there were.
    fn scripted(script: &watch::Receiver<Option<Found>>) -> (Resolver, Arc<AtomicUsize>) {
        let count = Arc::new(AtomicUsize::new(0));
        let counter = count.clone();
        let script = script.clone();
        let lookup = move |_: String| {
            counter.fetch_add(1, Ordering::SeqCst);
            let mut script = script.clone();
            async move {
                let found = script.wait_for(Option::is_some).await.unwrap();
                found.clone().unwrap()
            }
            .boxed()
        };
        (Resolver::new(DEADLINE, Arc::new(lookup)), count)
    }

    fn ask(resolver: &Resolver) -> impl Future<Output = Result<Vec<IpAddr>, ResolveError>> + '_ {
        resolver.find("api.bybit.com".to_owned())
    }

    #[tokio::test(start_paused = true)]
    async fn a_hanging_lookup_is_given_up_and_never_started_twice() {
        let (script, receiver) = watch::channel(None);
        let (resolver, count) = scripted(&receiver);
        for _ in 0..3 {
            let answers = join_all((0..5).map(|_| ask(&resolver))).await;
            for answer in answers {
                assert!(matches!(answer, Err(ResolveError::Late { .. })));
            }
        }
        assert_eq!(count.load(Ordering::SeqCst), 1);
        script.send_replace(Some(Ok(vec![ADDRESS])));
        assert_eq!(ask(&resolver).await, Ok(vec![ADDRESS]));
        assert_eq!(count.load(Ordering::SeqCst), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_good_answer_stands_in() {
        let (script, receiver) = watch::channel(Some(Ok(vec![ADDRESS])));
        let (resolver, count) = scripted(&receiver);
        assert_eq!(ask(&resolver).await, Ok(vec![ADDRESS]));
        for broken in [
            None,
            Some(Err("no such name".to_owned())),
            Some(Ok(Vec::new())),
        ] {
            script.send_replace(broken);
            assert_eq!(ask(&resolver).await, Ok(vec![ADDRESS]));
        }
        // The one that hung was joined by the one after it.
        assert_eq!(count.load(Ordering::SeqCst), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_good_answer_there_is_an_error() {
        for broken in [Err("no such name".to_owned()), Ok(Vec::new())] {
            let (_script, receiver) = watch::channel(Some(broken));
            let (resolver, _) = scripted(&receiver);
            let answer = ask(&resolver).await;
            assert!(
                matches!(answer, Err(ResolveError::Failed { .. })),
                "{answer:?}"
            );
        }
    }

    #[tokio::test]
    async fn this_machine_is_never_looked_up() {
        let (_script, receiver) = watch::channel(None);
        let (resolver, count) = scripted(&receiver);
        let found = resolver.find("localhost".to_owned()).await.unwrap();
        assert!(found.iter().all(IpAddr::is_loopback));
        assert_eq!(count.load(Ordering::SeqCst), 0);
    }

    #[tokio::test]
    async fn a_call_to_a_name_without_an_address_sends_nothing() {
        let (_script, receiver) = watch::channel(Some(Err("no such name".to_owned())));
        let (resolver, _) = scripted(&receiver);
        let local = Hosts::local("http://localhost:1", "ws://localhost:1").unwrap();
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(client_config(&local, None).unwrap())
            .dns_resolver(resolver)
            .no_proxy()
            .build()
            .unwrap();
        let failure = client.get("http://name.invalid/").send().await.unwrap_err();
        let error = of_failure("name.invalid", failure);
        let step = Step::Resolve;
        assert!(
            matches!(&error, RestError::NotSent { step: s, .. } if *s == step),
            "{error}"
        );
        assert!(error.to_string().contains("no such name"), "{error}");
    }
}
