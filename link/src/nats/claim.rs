//! Which store a node is: whose claim stands in the bucket of nodes.

use super::{Nats, is_full};
use anyhow::{Context as _, anyhow};
use async_nats::jetstream::kv::{Entry, Operation};
use c2c_proto::id::is_store_id;
use serde::{Deserialize, Serialize};

/// What the bucket says of a node.
#[derive(Debug, Serialize, Deserialize)]
struct Claim {
    store: String,
    /// The stores whose name it took. None of them takes it back, whatever its settings say: two that both run would share the mail.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    after: Vec<String>,
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

const CANNOT: &str = "the node cannot be claimed";

impl Nats {
    /// Claims the node's name for a store, which may have had other ids before, and may take it from the one that the settings say.
    /// `renew`: also where it has it, so that it keeps it. A server without room is no reason not to go on with a name that one has.
    ///
    /// # Errors
    /// When it is another store's, or the server cannot be asked.
    pub(crate) async fn claim(&self, by: &Claimant<'_>, renew: bool) -> anyhow::Result<()> {
        let there = self.nodes.entry(&self.node).await.context(CANNOT)?;
        let entry = there.filter(|entry| entry.operation == Operation::Put);
        let mut claim = Claim { store: by.store.to_owned(), after: Vec::new() };
        let mut is_own = false;
        if let Some(held) = entry.as_ref().and_then(read) {
            is_own = held.store == by.store;
            if is_own && !renew {
                return Ok(());
            }
            claim.after = by.after(held).map_err(|other| anyhow!(self.taken(&other)))?;
        }
        match self.write(&claim, entry.map(|entry| entry.revision)).await {
            Err(error) if is_own && is_full(&error) => {
                tracing::info!("the claim to the node is renewed later: {error:#}");
                Ok(())
            }
            written => written.context(CANNOT),
        }
    }

    async fn write(&self, claim: &Claim, revision: Option<u64>) -> anyhow::Result<()> {
        let text = serde_json::to_vec(claim)?.into();
        match revision {
            Some(revision) => self.nodes.update(&self.node, text, revision).await?,
            None => self.nodes.create(&self.node, text).await?,
        };
        Ok(())
    }

    fn taken(&self, Taken { by, from_this_one }: &Taken) -> String {
        let node = &self.node;
        let other = "choose another name with `c2c link setup URL --node NAME`";
        if *from_this_one {
            return format!("the store {by} has taken the name {node:?} from this one; {other}");
        }
        format!(
            "the node {node:?} is another store ({by}); {other}, or, if that store is gone for good, take its name with \
             `c2c link setup URL --node {node} --replace {by}`"
        )
    }
}

/// One that cannot be read is nobody's, and what is no store's id is not repeated to anybody.
fn read(entry: &Entry) -> Option<Claim> {
    serde_json::from_slice::<Claim>(&entry.value).ok().filter(|claim| is_store_id(&claim.store))
}

/// The name is another store's.
#[derive(Debug, PartialEq, Eq)]
struct Taken {
    by: String,
    from_this_one: bool,
}

impl Claimant<'_> {
    /// After which stores it has the name, if it may have it where another claim stands.
    fn after(&self, Claim { store, mut after }: Claim) -> Result<Vec<String>, Taken> {
        if store == self.store || self.former.contains(&store) {
            return Ok(after);
        }
        let from_this_one = after.iter().any(|id| id == self.store || self.former.contains(id));
        if from_this_one || self.replaces != Some(&store) {
            return Err(Taken { by: store, from_this_one });
        }
        after.push(store);
        Ok(after)
    }
}

#[cfg(test)]
mod tests {
    use super::{Claim, Claimant, Taken};

    #[test]
    fn a_name_goes_on_to_whom_it_may_and_never_back() {
        let claim = |store: &str, after: &[&str]| Claim {
            store: store.to_owned(),
            after: after.iter().map(|id| (*id).to_owned()).collect(),
        };
        let former = ["old".to_owned()];
        let by = |replaces| Claimant { store: "new", former: &former, replaces };
        let taken = |by: &str, from_this_one| Err(Taken { by: by.to_owned(), from_this_one });
        assert_eq!(by(None).after(claim("new", &["x"])), Ok(vec!["x".to_owned()]), "it is its own");
        assert_eq!(by(None).after(claim("old", &[])), Ok(vec![]), "it was its own before a restore");
        assert_eq!(by(None).after(claim("gone", &[])), taken("gone", false));
        assert_eq!(by(Some("other")).after(claim("gone", &[])), taken("gone", false));
        assert_eq!(
            by(Some("gone")).after(claim("gone", &["x"])),
            Ok(vec!["x".to_owned(), "gone".to_owned()])
        );
        assert_eq!(by(Some("gone")).after(claim("gone", &["new"])), taken("gone", true));
        assert_eq!(by(Some("gone")).after(claim("gone", &["old"])), taken("gone", true));
    }
}
