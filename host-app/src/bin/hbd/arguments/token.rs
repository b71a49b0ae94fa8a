//! The arguments of `hbd token`.

use annunciator_web::Scope;
use clap::{Args, Subcommand};

use super::reach::Reach;

/// What to do with tokens.
#[derive(Debug, Args)]
pub(crate) struct Token {
    /// What to do
    #[command(subcommand)]
    pub(crate) action: TokenAction,
}

/// What to do with tokens.
#[derive(Debug, Subcommand)]
pub(crate) enum TokenAction {
    /// Make a token, and print it once
    Add(AddToken),
    /// List tokens, with when each was last used
    List(ListTokens),
    /// Remove a token, so that it stops working
    Remove(RemoveToken),
}

/// Which token to make.
#[derive(Debug, Args)]
pub(crate) struct AddToken {
    /// Permit this: read, act, or ingest:SOURCE
    #[arg(long, value_name = "SCOPE")]
    pub(crate) scope: Scope,

    #[command(flatten)]
    pub(crate) reach: Reach,

    /// The program or the person that is to have it
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
}

/// How to list tokens.
#[derive(Debug, Args)]
pub(crate) struct ListTokens {
    /// Print JSON instead of a table
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) reach: Reach,
}

/// Which token to remove.
#[derive(Debug, Args)]
pub(crate) struct RemoveToken {
    #[command(flatten)]
    pub(crate) reach: Reach,

    /// The token's name
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
}

impl Token {
    /// Returns whether JSON is requested.
    pub(crate) fn is_json(&self) -> bool {
        match &self.action {
            TokenAction::List(list) => list.json,
            TokenAction::Add(_) | TokenAction::Remove(_) => false,
        }
    }
}
