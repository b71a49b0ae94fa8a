//! Who asks, and what they may: by the socket's peer.

use std::collections::BTreeMap;

use axum::{
    extract::{FromRequestParts, Request},
    http::request::Parts,
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use nix::unistd::{Uid, User};
use serde::{Deserialize, Serialize};

use crate::problem::{Problem, Reason};

/// The other end of a connection, as this machine's kernel knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Peer {
    /// A process on this machine, by the Unix socket.
    Process {
        /// The user that it runs as.
        uid: u32,
    },
}

/// What somebody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Look at everything.
    Read,
    /// Look, and act: acknowledge, silence, notify, retry, reload.
    Act,
}

/// Whoever sends a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The name, for records and for people.
    pub name: String,
    /// What they may do.
    pub scope: Scope,
}

/// Who may do what.
#[derive(Debug, Clone)]
pub struct Access {
    own_uid: u32,
    users: BTreeMap<u32, Scope>,
}

impl Default for Access {
    /// Grants everything to root and to the user that this process runs as, and nothing to
    /// others.
    fn default() -> Self {
        Self {
            own_uid: Uid::effective().as_raw(),
            users: BTreeMap::new(),
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

    fn of(&self, peer: Option<Peer>) -> Result<Identity, Problem> {
        let Some(Peer::Process { uid }) = peer else {
            let detail = "the request comes neither from a user of this machine nor with a token";
            return Err(Problem::new(Reason::Unauthenticated, detail));
        };
        let name = user_name(uid);
        let scope = match self.users.get(&uid) {
            _ if uid == 0 || uid == self.own_uid => Scope::Act,
            Some(scope) => *scope,
            None => {
                let detail = format!("the user {name} may not use this socket");
                return Err(Problem::new(Reason::Forbidden, detail));
            }
        };
        Ok(Identity { name, scope })
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

/// Adds the [`Identity`] of whoever asks to a request, or refuses it.
pub(crate) async fn identify(access: Access, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<Peer>().copied();
    match access.of(peer) {
        Ok(identity) => {
            request.extensions_mut().insert(identity);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

fn identity(parts: &Parts, scope: Scope) -> Result<Identity, Problem> {
    let identity = parts
        .extensions
        .get::<Identity>()
        .ok_or_else(|| Problem::new(Reason::Unauthenticated, "the request has no identity"))?;
    if identity.scope < scope {
        let detail = format!("{} may look and not act", identity.name);
        return Err(Problem::new(Reason::Forbidden, detail));
    }
    Ok(identity.clone())
}

/// Whoever asks, and may look.
#[derive(Debug, Clone)]
pub struct Reader(pub Identity);

/// Whoever asks, and may act.
#[derive(Debug, Clone)]
pub struct Actor(pub Identity);

impl<S: Sync> FromRequestParts<S> for Reader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        identity(parts, Scope::Read).map(Self)
    }
}

impl<S: Sync> FromRequestParts<S> for Actor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        identity(parts, Scope::Act).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(access: &Access, uid: u32) -> Result<Scope, Option<Reason>> {
        let identity = access.of(Some(Peer::Process { uid }));
        identity
            .map(|it| it.scope)
            .map_err(|problem| problem.reason())
    }

    #[test]
    fn root_and_the_own_user_may_all_and_others_what_is_granted() {
        let access = Access {
            own_uid: 1000,
            users: BTreeMap::new(),
        };
        let access = access.user(1001, Scope::Read);
        assert_eq!(scope(&access, 0), Ok(Scope::Act));
        assert_eq!(scope(&access, 1000), Ok(Scope::Act));
        assert_eq!(scope(&access, 1001), Ok(Scope::Read));
        assert_eq!(scope(&access, 1002), Err(Some(Reason::Forbidden)));
        let nobody = access.of(None).unwrap_err();
        assert_eq!(nobody.reason(), Some(Reason::Unauthenticated));
    }

    #[test]
    fn a_user_without_a_name_has_a_number() {
        assert_eq!(user_name(0), "root");
        assert_eq!(user_name(3_999_999_999), "uid 3999999999");
    }
}
