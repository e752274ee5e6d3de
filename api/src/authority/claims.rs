//! Files become a message's before it is appended, so that there is no message with files that somebody else has.

use rookery_bus::authority::{AuthorityError, Look, Preparation, Prepared, Withdrawal};
use rookery_protocol::attachment::Attachment;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::event::{EventBody, NewMessage};
use rookery_protocol::id::{ClientId, FileId, MessageId, RoomId};
use rookery_store::file::{Claim, Claimed, File, Holder};

use super::{LocalAuthorityParts, bus_error, facts, store_error};
use crate::limits::{FILE_CLAIM_HOLDS, FILE_UNATTACHED_KEPT};

/// Claims the files of a message. A repeat gets the same answer.
pub(super) async fn claim(parts: &LocalAuthorityParts, asked: &Preparation) -> Result<Prepared, AuthorityError> {
    require_everybody(parts, &asked.files).await?;
    let (now, files) = (UnixMillis::now(), &parts.stores.files);
    let mut claim = Claim {
        files: asked.files.clone(),
        owner: asked.user,
        room: asked.room,
        holder: Holder::Message(asked.message),
        from: Vec::new(),
        at: now,
        check_at: now.plus(FILE_UNATTACHED_KEPT),
        again: asked.again,
    };
    let mut claimed = files.claim(&claim).await.map_err(store_error)?;
    if !claimed.is_held() {
        claim.from = never_sent(parts, &claim).await?;
        if !claim.from.is_empty() {
            claimed = files.claim(&claim).await.map_err(store_error)?;
        }
    }
    match claimed {
        Claimed::Alone(since) => return named(parts, &claim.files, Some(since)).await,
        Claimed::Shared => return named(parts, &claim.files, None).await,
        Claimed::Refused => {}
    }
    // A repeat of what was sent before, whose files are gone since: the bus or the store knows it.
    if is_sent(parts, asked.room, asked.message).await? {
        let attachments = asked.files.iter().copied().map(Attachment::unclaimed).collect();
        return Ok(Prepared { attachments, held: None });
    }
    Err(AuthorityError::Refused(ErrorCode::BadAttachment))
}

/// Gives back the files of a message that was refused for good.
pub(super) async fn withdraw(parts: &LocalAuthorityParts, withdrawal: Withdrawal) -> Result<(), AuthorityError> {
    let Withdrawal { room, message, held } = withdrawal;
    if is_sent(parts, room, message).await? {
        return Ok(());
    }
    let check_at = UnixMillis::now().plus(FILE_UNATTACHED_KEPT);
    let given_back = parts.stores.files.withdraw(Holder::Message(message), held, check_at).await;
    given_back.map_err(store_error)
}

/// The files as the event has them, in the order in which they were named.
async fn named(
    parts: &LocalAuthorityParts,
    ids: &[FileId],
    held: Option<UnixMillis>,
) -> Result<Prepared, AuthorityError> {
    let found = parts.stores.files.by_ids(ids).await.map_err(store_error)?;
    let named = ids.iter().map(|id| found.iter().find(|file| file.id == *id).map(File::attachment));
    let attachments = named.collect::<Option<_>>().ok_or(AuthorityError::Refused(ErrorCode::BadAttachment))?;
    Ok(Prepared { attachments, held })
}

/// The messages that have claimed these files and were never sent, for sure: a send that was refused, and is said otherwise now.
async fn never_sent(parts: &LocalAuthorityParts, claim: &Claim) -> Result<Vec<Holder>, AuthorityError> {
    let mut stale = Vec::new();
    for file in parts.stores.files.by_ids(&claim.files).await.map_err(store_error)? {
        let is_old = file.held_at.is_some_and(|at| claim.at.since(at) >= FILE_CLAIM_HOLDS);
        if let (Some(holder @ Holder::Message(message)), Some(room)) = (file.holder, file.room)
            && holder != claim.holder
            && file.owner == claim.owner
            && is_old
            && !is_sent(parts, room, message).await?
        {
            stale.push(holder);
        }
    }
    Ok(stale)
}

async fn is_sent(parts: &LocalAuthorityParts, room: RoomId, message: MessageId) -> Result<bool, AuthorityError> {
    match facts::of_message(parts, Look { room, message, before: None }).await {
        Ok(_) => Ok(true),
        Err(AuthorityError::Refused(ErrorCode::UnknownMessage)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// A process of an older release would store the message without its files.
async fn require_everybody(parts: &LocalAuthorityParts, files: &[FileId]) -> Result<(), AuthorityError> {
    let message = NewMessage {
        content: String::new(),
        client_id: ClientId::generate(),
        reply_to: None,
        attachments: files.iter().copied().map(Attachment::unclaimed).collect(),
    };
    let all_know = parts.generations.allows(&EventBody::Message(message)).await;
    if all_know.map_err(|error| bus_error(&error))? {
        return Ok(());
    }
    Err(AuthorityError::Unavailable("not all nodes of the server have been upgraded yet".to_owned()))
}
