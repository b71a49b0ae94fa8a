//! Who asks, and what they may: by the socket's peer, by a token, or by the session of a browser.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    sync::Arc,
};

use axum::{
    extract::{FromRequestParts, Request},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse as _, Redirect, Response},
};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use jiff::Timestamp;
use nix::unistd::{Uid, User};

use crate::{
    cookie,
    credentials::{basic_password, bearer},
    problem::{Problem, Reason},
    proxy::{Proxy, ProxyUser},
    scope::{Client, Credential, Encrypted, Identity, Peer, Scope},
    sessions::Sessions,
    tokens::Tokens,
};

/// How many wrong tokens an address may send at once, and then in a minute.
const MAX_WRONG_TOKENS: NonZeroU32 = NonZeroU32::new(20).unwrap();
/// The number of addresses with wrong tokens beyond which those that have waited long enough are
/// forgotten.
const MAX_ADDRESSES: usize = 10_000;

/// Where programs send events: behind it stands the name of a source.
pub(crate) const SOURCES: &str = "/in/";
/// What a program that knows only basic authentication is asked for.
const BASIC: HeaderValue = HeaderValue::from_static("Basic realm=\"the token as the password\"");

/// Who may do what.
#[derive(Debug, Clone)]
pub struct Access {
    own_uid: u32,
    users: BTreeMap<u32, Scope>,
    tokens: Option<Arc<Tokens>>,
    sessions: Option<Arc<Sessions>>,
    proxy: Option<Arc<Proxy>>,
    /// Whether others who reach the server over the network without TLS are refused.
    is_behind_proxy: bool,
    /// How many wrong tokens each address may still send.
    attempts: Arc<DefaultKeyedRateLimiter<IpAddr>>,
}

impl Default for Access {
    /// Grants everything to root and to the user that this process runs as, and nothing to
    /// others.
    fn default() -> Self {
        let quota = Quota::per_minute(MAX_WRONG_TOKENS);
        Self {
            own_uid: Uid::effective().as_raw(),
            users: BTreeMap::new(),
            tokens: None,
            sessions: None,
            proxy: None,
            is_behind_proxy: false,
            attempts: Arc::new(RateLimiter::keyed(quota)),
        }
    }
}

impl Access {
    /// Grants a scope to another user of this machine.
    #[must_use]
    pub fn user(mut self, uid: u32, scope: Scope) -> Self {
        self.users.insert(uid, scope);
        self
    }

    /// Grants to tokens what they permit, and to browsers that log in with one.
    #[must_use]
    pub fn tokens(mut self, tokens: Arc<Tokens>) -> Self {
        self.sessions = Some(Arc::new(Sessions::of(&tokens)));
        self.tokens = Some(tokens);
        self
    }

    /// Believes a proxy what it says of requests.
    #[must_use]
    pub fn proxy(mut self, proxy: Proxy) -> Self {
        self.proxy = Some(Arc::new(proxy));
        self
    }

    /// Refuses whoever reaches the server over the network neither through TLS nor through the
    /// proxy: everybody on the way could read what they send.
    #[must_use]
    pub fn only_behind_proxy(mut self) -> Self {
        self.is_behind_proxy = true;
        self
    }

    /// Returns the tokens to which something is granted.
    pub(crate) fn known_tokens(&self) -> Option<&Arc<Tokens>> {
        self.tokens.as_ref()
    }

    /// Returns from where and how a request comes, and removes from it what only the proxy may
    /// say, if it is not the proxy's.
    fn client(&self, request: &mut Request) -> Client {
        let is_encrypted = request.extensions().get::<Encrypted>().is_some();
        let Some(Peer::Remote(address)) = request.extensions().get().copied() else {
            return Client {
                ip: None,
                is_encrypted,
            };
        };
        let peer = address.ip();
        let is_encrypted = match &self.proxy {
            Some(proxy) if !proxy.is_at(peer) => {
                proxy.strip(request.headers_mut());
                is_encrypted
            }
            Some(proxy) => {
                return Client {
                    ip: Some(proxy.origin(peer, request.headers())),
                    is_encrypted: is_encrypted || Proxy::is_encrypted(request.headers()),
                };
            }
            None => is_encrypted,
        };
        Client {
            ip: Some(peer),
            is_encrypted,
        }
    }

    /// Refuses requests over the network that everybody on the way could read.
    fn check_way(&self, peer: Option<Peer>, client: Client) -> Result<(), Problem> {
        let (true, Some(Peer::Remote(address))) = (self.is_behind_proxy, peer) else {
            return Ok(());
        };
        let peer = address.ip().to_canonical();
        let is_proxy = self.proxy.as_ref().is_some_and(|proxy| proxy.is_at(peer));
        if is_proxy || peer.is_loopback() || client.is_encrypted {
            return Ok(());
        }
        let detail = "this address is for the proxy in front of it: use the proxy's address";
        Err(Problem::new(Reason::Forbidden, detail))
    }

    /// Returns who asks. `token` is the one that the request shows.
    async fn of(
        &self,
        peer: Option<Peer>,
        client: Client,
        token: Option<&str>,
        headers: &HeaderMap,
    ) -> Result<Identity, Problem> {
        let Some(peer) = peer else {
            return Err(nobody());
        };
        let ip = match peer {
            Peer::Process { uid } => return self.of_user(uid),
            Peer::Remote(address) => address.ip(),
        };
        if token.is_none()
            && let Some(proxy) = self.proxy.as_ref().filter(|proxy| proxy.is_at(ip))
            && let Some(whoever) = proxy.whoever(headers)
        {
            return of_proxy(whoever);
        }
        self.of_remote(client.ip.unwrap_or(ip), token, headers)
            .await
    }

    fn of_user(&self, uid: u32) -> Result<Identity, Problem> {
        let name = user_name(uid);
        let scope = match self.users.get(&uid) {
            _ if uid == 0 || uid == self.own_uid => Scope::Act,
            Some(scope) => scope.clone(),
            None => {
                let detail = format!("the user {name} may not use this socket");
                return Err(Problem::new(Reason::Forbidden, detail));
            }
        };
        Ok(Identity {
            name,
            scope,
            credential: Credential::Socket,
        })
    }

    async fn of_remote(
        &self,
        ip: IpAddr,
        token: Option<&str>,
        headers: &HeaderMap,
    ) -> Result<Identity, Problem> {
        if let Some(token) = token {
            return self.of_token(ip, token).await;
        }
        let (Some(secret), Some(sessions)) = (cookie::read(headers), &self.sessions) else {
            return Err(nobody());
        };
        // An unknown one is not counted as a guess: it is as long as nobody guesses, and every
        // browser that was left alone sends one that has expired.
        let now_ms = Timestamp::now().as_millisecond();
        let known = sessions.identify(secret, now_ms).await;
        let known = known.map_err(|error| Problem::new(Reason::Unavailable, error.to_string()))?;
        known.ok_or_else(nobody)
    }

    async fn of_token(&self, ip: IpAddr, token: &str) -> Result<Identity, Problem> {
        let Some(tokens) = &self.tokens else {
            return Err(nobody());
        };
        let now_ms = Timestamp::now().as_millisecond();
        let known = tokens.identify(token, now_ms).await;
        let known = known.map_err(|error| Problem::new(Reason::Unavailable, error.to_string()))?;
        if let Some(identity) = known {
            return Ok(identity);
        }
        if self.attempts.len() > MAX_ADDRESSES {
            self.attempts.retain_recent();
        }
        if self.attempts.check_key(&prefix(ip)).is_err() {
            let detail = "this address has sent too many wrong tokens: wait a minute";
            return Err(Problem::new(Reason::TooManyAttempts, detail));
        }
        let detail = "the token is unknown, or was removed";
        Err(Problem::new(Reason::Unauthenticated, detail))
    }

    /// Begins the session of a browser that shows a token, and returns whose it is and its secret.
    /// Wrong tokens count as those of any other request do.
    ///
    /// # Errors
    /// Returns the [`Problem`] of the token, or of a disk that keeps no session.
    pub(crate) async fn log_in(
        &self,
        ip: IpAddr,
        token: &str,
    ) -> Result<(Identity, String), Problem> {
        let identity = self.of_token(ip, token).await?;
        if matches!(identity.scope, Scope::Ingest(_)) {
            return Err(forbidden(&identity, "may send events and not look"));
        }
        let Some(sessions) = &self.sessions else {
            return Err(nobody());
        };
        let now_ms = Timestamp::now().as_millisecond();
        let begun = sessions.begin(&identity.name, now_ms).await;
        let begun = begun.map_err(|error| Problem::new(Reason::Unavailable, error.to_string()))?;
        let secret = begun.ok_or_else(|| {
            let detail = "the token is unknown, or was removed";
            Problem::new(Reason::Unauthenticated, detail)
        })?;
        Ok((identity, secret))
    }

    /// Ends the session of a request, if it has one.
    ///
    /// # Errors
    /// Returns the [`Problem`] of a disk that does not forget it.
    pub(crate) async fn log_out(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let (Some(secret), Some(sessions)) = (cookie::read(headers), &self.sessions) else {
            return Ok(());
        };
        let ended = sessions.end(secret).await;
        ended.map_err(|error| Problem::new(Reason::Unavailable, error.to_string()))
    }
}

fn of_proxy(whoever: ProxyUser) -> Result<Identity, Problem> {
    match whoever {
        ProxyUser::Known(name, scope) => Ok(Identity {
            name,
            scope,
            credential: Credential::Proxy,
        }),
        ProxyUser::Unknown(name) => {
            let detail = format!(
                "nothing is granted to the user {} of the proxy: add the name to `web.proxy.users`",
                name.escape_debug()
            );
            Err(Problem::new(Reason::Forbidden, detail))
        }
        ProxyUser::Unclear => {
            let detail = "the header of the proxy names no user, or several: it has to set the header, and not to add to it";
            Err(Problem::new(Reason::Unauthenticated, detail))
        }
    }
}

fn nobody() -> Problem {
    let detail = "the request comes neither from a user of this machine nor with a token: send `Authorization: Bearer TOKEN`";
    Problem::new(Reason::Unauthenticated, detail)
}

/// Returns what one machine is counted under: an IPv6 address by its network of 64 bits, whose
/// addresses it may choose from.
fn prefix(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(_) => ip,
        IpAddr::V6(ip) => match ip.to_ipv4_mapped() {
            Some(mapped) => mapped.into(),
            None => Ipv6Addr::from_bits(ip.to_bits() & !u128::from(u64::MAX)).into(),
        },
    }
}

/// Returns the name of a user, or the number if the system has no name for it.
fn user_name(uid: u32) -> String {
    let user = User::from_uid(Uid::from_raw(uid));
    match user {
        Ok(Some(user)) => user.name,
        Ok(None) | Err(_) => format!("uid {uid}"),
    }
}

/// Where a browser logs in.
pub(crate) const LOGIN: &str = "/login";
/// Where programs ask whether this one works, without showing who they are.
pub(crate) const HEALTH: &str = "/healthz";
/// Where signed links lead: whoever has one need not show who they are.
pub(crate) const LINKS: &str = "/ack/";
/// Where the style and the script of pages are.
pub(crate) const ASSETS: &str = "/assets/";

/// Adds to a request from where and how it comes, removes from it what only a proxy may say, and
/// refuses it if everybody on the way could read it.
pub(crate) async fn locate(access: Access, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<Peer>().copied();
    let client = access.client(&mut request);
    request.extensions_mut().insert(client);
    if request.uri().path() != HEALTH
        && let Err(problem) = access.check_way(peer, client)
    {
        return problem.into_response();
    }
    next.run(request).await
}

/// Adds the [`Identity`] of whoever asks to a request, or refuses it. A browser that asks for a
/// page is sent to log in.
pub(crate) async fn identify(access: Access, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<Peer>().copied();
    let client = request.extensions().get::<Client>().copied();
    let client = client.unwrap_or_default();
    let path = request.uri().path();
    let is_for_everybody = [LOGIN, HEALTH].contains(&path)
        || [ASSETS, LINKS].iter().any(|open| path.starts_with(open));
    // Many programs that send events can show a name and a password, and nothing else.
    let is_for_source = path.starts_with(SOURCES);
    let password = match is_for_source {
        true => basic_password(request.headers()),
        false => None,
    };
    let token = password.as_deref().or_else(|| bearer(request.headers()));
    match access.of(peer, client, token, request.headers()).await {
        Ok(identity) => {
            request.extensions_mut().insert(identity);
            next.run(request).await
        }
        Err(_) if is_for_everybody => next.run(request).await,
        Err(problem)
            if problem.reason() == Some(Reason::Unauthenticated)
                && request.headers().get(header::AUTHORIZATION).is_none()
                && asks_for_page(&request) =>
        {
            Redirect::to(&login_address(&request)).into_response()
        }
        Err(problem) => {
            let mut response = problem.into_response();
            if is_for_source && response.status() == StatusCode::UNAUTHORIZED {
                response
                    .headers_mut()
                    .append(header::WWW_AUTHENTICATE, BASIC);
            }
            response
        }
    }
}

/// Returns whether somebody asks for a page to look at, and not for data.
pub(crate) fn asks_for_page(request: &Request) -> bool {
    let accepted = request.headers().get(header::ACCEPT);
    let accepted = accepted.and_then(|value| value.to_str().ok());
    !request.uri().path().starts_with("/api/")
        && accepted.is_some_and(|types| types.contains("text/html"))
}

/// Returns the address of the form that leads back to what was asked for.
fn login_address(request: &Request) -> String {
    let path = request.uri().path_and_query();
    let path = path.filter(|_| request.method() == Method::GET);
    match path.map(|path| path.as_str()) {
        None | Some("/") => LOGIN.to_owned(),
        Some(path) => {
            let path =
                percent_encoding::utf8_percent_encode(path, percent_encoding::NON_ALPHANUMERIC);
            format!("{LOGIN}?next={path}")
        }
    }
}

fn identity(parts: &Parts) -> Result<&Identity, Problem> {
    let identity = parts.extensions.get::<Identity>();
    identity.ok_or_else(nobody)
}

fn forbidden(identity: &Identity, what: &str) -> Problem {
    let detail = format!("{} {what}", identity.name);
    Problem::new(Reason::Forbidden, detail)
}

/// Whoever asks, and may look.
#[derive(Debug, Clone)]
pub struct Reader(pub Identity);

/// Whoever asks, and may act.
#[derive(Debug, Clone)]
pub struct Actor(pub Identity);

/// Whoever asks, and may send events to the source in the address, `/in/SOURCE`.
#[derive(Debug, Clone)]
pub struct Sender {
    /// Who it is.
    pub identity: Identity,
    /// The name of the source, which need not exist.
    pub source: String,
}

/// A user of this machine who may act, and manages who else may.
#[derive(Debug, Clone)]
pub struct Administrator(pub Identity);

impl<S: Sync> FromRequestParts<S> for Reader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let identity = identity(parts)?;
        match identity.scope {
            Scope::Read | Scope::Act => Ok(Self(identity.clone())),
            Scope::Ingest(_) => Err(forbidden(identity, "may send events and not look")),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Actor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let identity = identity(parts)?;
        match identity.scope {
            Scope::Act => Ok(Self(identity.clone())),
            Scope::Read => Err(forbidden(identity, "may look and not act")),
            Scope::Ingest(_) => Err(forbidden(identity, "may send events and not act")),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Sender {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let identity = identity(parts)?.clone();
        // Names of sources stand in addresses as they are.
        let below = parts.uri.path().strip_prefix(SOURCES).unwrap_or_default();
        let source = below.split('/').next().unwrap_or_default().to_owned();
        match &identity.scope {
            Scope::Act => Ok(Self { identity, source }),
            Scope::Ingest(own) if *own == source => Ok(Self { identity, source }),
            Scope::Ingest(own) => {
                let what = format!(
                    "may send events to the source `{}` only",
                    own.escape_debug()
                );
                Err(forbidden(&identity, &what))
            }
            Scope::Read => Err(forbidden(&identity, "may look and not send events")),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Administrator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Actor(identity) = Actor::from_request_parts(parts, state).await?;
        if !identity.is_local() {
            let what = "may not do this over the network, but by the Unix socket only";
            return Err(forbidden(&identity, what));
        }
        Ok(Self(identity))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(access: &Access, uid: u32) -> Result<Scope, Option<Reason>> {
        let identity = access.of_user(uid);
        identity
            .map(|it| it.scope)
            .map_err(|problem| problem.reason())
    }

    #[test]
    fn root_and_the_own_user_may_all_and_others_what_is_granted() {
        let access = Access {
            own_uid: 1000,
            ..Access::default()
        };
        let access = access.user(1001, Scope::Read);
        assert_eq!(of(&access, 0), Ok(Scope::Act));
        assert_eq!(of(&access, 1000), Ok(Scope::Act));
        assert_eq!(of(&access, 1001), Ok(Scope::Read));
        assert_eq!(of(&access, 1002), Err(Some(Reason::Forbidden)));
    }

    #[test]
    fn behind_a_proxy_nobody_comes_in_beside_it_without_encryption() {
        let proxy = Proxy::new(vec!["10.0.0.1/32".parse().unwrap()]);
        let access = Access::default().proxy(proxy).only_behind_proxy();
        let check = |ip: [u8; 4], is_encrypted| {
            let client = Client {
                ip: None,
                is_encrypted,
            };
            let peer = Peer::Remote((ip, 1).into());
            access.check_way(Some(peer), client).is_ok()
        };
        assert!(check([10, 0, 0, 1], false) && check([127, 0, 0, 1], false));
        assert!(!check([10, 0, 0, 2], false));
        assert!(check([10, 0, 0, 2], true));
        let process = Some(Peer::Process { uid: 0 });
        assert!(access.check_way(process, Client::default()).is_ok());
    }

    #[test]
    fn a_user_without_a_name_has_a_number() {
        assert_eq!(user_name(0), "root");
        assert_eq!(user_name(3_999_999_999), "uid 3999999999");
    }

    #[test]
    fn the_addresses_of_one_machine_count_together() {
        let same =
            |one: &str, other: &str| prefix(one.parse().unwrap()) == prefix(other.parse().unwrap());
        assert!(same("2001:db8::1", "2001:db8::ffff:1"));
        assert!(!same("2001:db8::1", "2001:db8:0:1::1"));
        assert!(same("::ffff:10.0.0.1", "10.0.0.1"));
        assert!(!same("10.0.0.1", "10.0.0.2"));
    }

    #[tokio::test]
    async fn an_address_that_guesses_is_told_to_wait() {
        let file = annunciator::store::SqliteFile::in_memory(&[]).unwrap();
        let tokens = Tokens::open(Arc::new(file), "hbd").await.unwrap();
        let access = Access::default().tokens(Arc::new(tokens));
        let guess = Some("guess");
        let mut reasons = Vec::new();
        for _ in 0..=MAX_WRONG_TOKENS.get() {
            let problem = access
                .of_remote([10, 0, 0, 1].into(), guess, &HeaderMap::new())
                .await;
            reasons.extend(problem.unwrap_err().reason());
        }
        let last = reasons.pop();
        assert_eq!(last, Some(Reason::TooManyAttempts));
        assert!(reasons.iter().all(|one| *one == Reason::Unauthenticated));
        let other = access
            .of_remote([10, 0, 0, 2].into(), guess, &HeaderMap::new())
            .await;
        assert_eq!(other.unwrap_err().reason(), Some(Reason::Unauthenticated));
    }
}
