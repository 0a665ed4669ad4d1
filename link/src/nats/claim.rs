//! Which store a node is: whose claim stands in the bucket of nodes.

use super::Nats;
use anyhow::{Context as _, bail};
use async_nats::jetstream::kv::Operation;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// What the bucket says of a node.
#[derive(Debug, Serialize, Deserialize)]
struct Claim {
    store: String,
}

/// A store that claims a name.
pub(crate) struct Claimant<'a> {
    /// Its id.
    pub(crate) store: &'a str,
    /// Those that it had before it was restored.
    pub(crate) former: &'a [String],
    /// The store whose name it is to take.
    pub(crate) replaces: Option<&'a str>,
}

impl Claimant<'_> {
    fn may_follow(&self, holder: &str) -> bool {
        self.replaces == Some(holder) || self.former.iter().any(|former| former == holder)
    }
}

impl Nats {
    /// Claims the node's name for a store, which may have had other ids before, and may take it from the one that the settings say.
    /// `renew`: also where it has it, so that it keeps it. A server without room is no reason not to go on with a name that one has.
    ///
    /// # Errors
    /// When it is another store's, or the server cannot be asked.
    pub(crate) async fn claim(&self, by: &Claimant<'_>, renew: bool) -> anyhow::Result<()> {
        const CANNOT: &str = "the node cannot be claimed";
        let claim: Bytes = serde_json::to_vec(&Claim { store: by.store.to_owned() })?.into();
        let there = self.nodes.entry(&self.node).await.context(CANNOT)?;
        let Some(entry) = there.filter(|entry| entry.operation == Operation::Put) else {
            return self.nodes.create(&self.node, claim).await.map(|_| ()).context(CANNOT);
        };
        // One that cannot be read is nobody's.
        let holder = serde_json::from_slice::<Claim>(&entry.value).ok().map(|claim| claim.store);
        let is_own = holder.as_deref() == Some(by.store);
        if is_own && !renew {
            return Ok(());
        }
        if let Some(other) = holder.filter(|holder| !is_own && !by.may_follow(holder)) {
            bail!(
                "the node {node:?} is another store ({other}); choose another name with `c2c link setup URL --node NAME`, or, if \
                 that store is gone for good, take its name with `c2c link setup URL --node {node} --replace {other}`",
                node = self.node
            );
        }
        match self.nodes.update(&self.node, claim, entry.revision).await {
            Err(error) if is_own => tracing::info!("the claim to the node is renewed later: {error}"),
            renewed => drop(renewed.context(CANNOT)?),
        }
        Ok(())
    }
}
