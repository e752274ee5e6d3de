// Frames of the sockets. Printed by `rookery typescript`; written again by `make docs`.
//
// A later server may send more fields and more types of frames: ignore what you do not know.

/** What an `ack` says. */
export type AckMode = "stored" | "accepted";

/** A file of a message. */
export type Attachment = {
  /** Id of the file. */
  file_id: Id;
  /** Height in pixels; null if the file is no picture. */
  height: number | null;
  /** Name of the file. */
  name: string;
  /** Size of the file in bytes. */
  size: number;
  /** Media type of the file. */
  type: string;
  /** Width in pixels; null if the file is no picture. */
  width: number | null;
};

/** The client's own name for what it sends, unique per user: visible ASCII. */
export type ClientId = string;

/** The text; something of it must be visible. */
export type Content = string;

/** The text; something of it must be visible, unless there are attachments. */
export type ContentOrNone = string;

/** How a room came to its end. */
export type DeletionReason = "deleted" | "expired";

/** A reaction: one emoji of the Unicode list. From the server it is fully qualified. */
export type Emoji = string;

/** Incarnation of a room's numbers. */
export type Epoch = string;

/** What went wrong, for programs. */
export type ErrorCode = "bad_json" | "unknown_type" | "bad_field" | "empty_content" | "content_too_long" | "room_required" | "unknown_room" | "not_a_member" | "forbidden" | "too_many_rooms" | "unauthenticated" | "bad_credentials" | "bad_refresh_token" | "username_taken" | "registration_closed" | "account_exists" | "room_name_taken" | "not_found" | "method_not_allowed" | "unsupported_media_type" | "body_too_large" | "request_timeout" | "overloaded" | "unavailable" | "internal" | "unknown_message" | "too_many_reactions" | "too_many_pins" | "too_many_saved" | "muted" | "banned" | "rate_limited" | "slow_mode" | "frozen" | "client_id_reused" | "idempotency_key_reused" | "password_too_common" | "owner_must_transfer" | "registration_invite_only" | "code_invalid" | "token_invalid" | "email_not_verified" | "account_disabled" | "second_factor_required" | "password_wrong" | "direct_room" | "direct_refused" | "blocked" | "invite_invalid" | "invite_required" | "room_full" | "join_denied" | "too_many_join_requests" | "already_decided" | "last_admin" | "file_too_large" | "file_type_refused" | "bad_attachment" | "file_attached" | "file_infected" | "bad_range" | "quota_exceeded" | "storage_full" | "too_many_uploads" | "bad_query" | "too_many_scheduled" | "already_sent" | "bad_image" | "archived" | "posting_restricted" | "protected_room" | "filtered";

/** A UUID. */
export type Id = string;

/** How outsiders become members of a room that they may find. */
export type JoinRule = "open" | "password" | "approval" | "invite";

/** Limits announced in `hello`. */
export type Limits = {
  /** Maximum size of a message text in bytes. */
  content_bytes: number;
  /** Maximum length of a message text in characters. */
  content_chars: number;
  /** Maximum size of a frame in bytes. */
  frame_bytes: number;
  /** Maximum number of missed events that a resume replays. */
  resume_events: number;
  /** Maximum number of subscribed rooms of a connection. */
  rooms: number;
};

/** A message as clients see it. */
export type Message = {
  /** Files of the message; none if it was deleted. */
  attachments: Array<Attachment>;
  /** The author's client id for the message. */
  client_id: ClientId;
  /** Text of the message; empty if it was deleted. */
  content: string;
  /** Whether the message was deleted; only in history. */
  deleted?: true;
  /** Time of the last edit; only in history. */
  edited_at?: Timestamp;
  /** Id of the message. */
  message_id: Id;
  /** Reactions to the message; only in history. */
  reactions?: Array<Reaction>;
  /** Messages that answer this one; only in history. */
  replies?: Replies;
  /** Id of the message that it replies to. */
  reply_to: Id | null;
  /** Time at which the message was accepted. */
  timestamp: Timestamp;
  /** Id of its author. */
  user_id: Id;
  /** The author's name at that time. */
  username: string;
};

/** What a notice is about. */
export type NoticeKind = "mention" | "direct_message" | "reply" | "invite" | "join_requested" | "join_decided" | "role_changed" | "sanctioned" | "report_resolved" | "schedule_failed" | "announcement";

/** Of what a user is told in a room. */
export type Notify = "all" | "mentions" | "none";

/** Position of an event in a room. Positions are ordered like the history. */
export type Position = {
  /** Epoch of `seq`. */
  epoch: Epoch;
  /** Number of the event in the room and epoch. */
  seq: Seq;
};

/** Who may send messages to a room. */
export type Posting = "members" | "moderators";

/** A user's presence as others see it. */
export type PresenceView = {
  /** Time at which an offline user was last online, if it is known. */
  last_seen?: Timestamp;
  /** Status of the user. */
  status: VisibleStatus;
  /** Status text of the user, if there is one. */
  text?: StatusText;
  /** Id of the user. */
  user_id: Id;
};

/** The reactions to a message with one emoji. */
export type Reaction = {
  /** Number of users who reacted with it. */
  count: number;
  /** Emoji of the reaction. */
  emoji: Emoji;
  /** Whether the reader is among the users; set only if not all of them are listed. */
  mine?: true;
  /** Ids of the users, earliest first; only the first ones if there are many. */
  user_ids: Array<Id>;
};

/** Read state of a room. The counts cover the stored messages between the read mark and `counted`. */
export type ReadState = {
  /** Whether there may be more unread messages than were counted. */
  capped: boolean;
  /** Position up to which messages were counted; newer ones are not stored yet. */
  counted: Position;
  /** Epoch of the read mark. */
  epoch: Epoch;
  /** Number of unread messages that mention the user. */
  mentions: number;
  /** Number of the last event that the user has read. */
  seq: Seq;
  /** Number of unread messages of others that are not deleted. */
  unread: number;
};

/** The messages that answer a message and are not deleted. */
export type Replies = {
  /** Number of messages; 10,000 stands for as many or more. */
  count: number;
  /** Time of the newest one; absent if there is none. */
  last_at?: Timestamp;
  /** Users who answered, latest first. */
  users: Array<UserBrief>;
};

/** New values of what was changed; what stayed as it was is absent. */
export type RoomChanges = {
  /** Whether nobody may send any more. */
  archived?: boolean;
  /** Its picture; null if it has none any more. */
  avatar?: string | null;
  /** What it is about. */
  description?: string;
  /** When it ends; null for never. */
  expires_at?: Timestamp | null;
  /** Whether only owner and moderators may send. */
  frozen?: boolean;
  /** How outsiders become members. */
  join?: JoinRule;
  /** How many members it may have; null for no limit of its own. */
  members_max?: number | null;
  /** Whether members may invite others. */
  members_may_invite?: boolean;
  /** Name; null if it has none any more. */
  name?: string | null;
  /** Who may send. */
  posting?: Posting;
  /** After how many days messages are erased; null for what holds on the server. */
  retention_days?: number | null;
  /** Milliseconds that a member must wait between two messages. */
  slow_mode_ms?: number;
  /** Readable address; null if it has none any more. */
  slug?: Slug | null;
  /** What is talked about now. */
  topic?: string;
  /** Who may find it. */
  visibility?: Visibility;
};

/** Newest position of a room. */
export type RoomHead = {
  /** Current epoch of the room. */
  epoch: Epoch;
  /** Id of the room. */
  room: Id;
  /** Number of the newest event in the room. */
  seq: Seq;
};

/** What a room is for. */
export type RoomKind = "room" | "direct" | "group";

/** A room and the position of the last event that the client has of it; `epoch` and `seq` go together. */
export type RoomPosition = {
  /** Epoch of the last event that the client has. */
  epoch?: Epoch | null;
  /** Id or slug of the room. */
  room: RoomRef;
  /** Number of the last event that the client has. */
  seq?: Seq | null;
};

/** A room, by id or slug. */
export type RoomRef = Id | Slug;

/** What a member is in a room. */
export type RoomRole = "owner" | "moderator" | "member";

/** Number of an event in its room; 0 is before the first. */
export type Seq = number;

/** The readable name of a public room. */
export type Slug = string;

/** Status that a user chooses while online. */
export type Status = "online" | "away" | "dnd";

/** A user's status in words: one line, something of it visible. */
export type StatusText = string;

/** RFC 3339, in UTC, with milliseconds. */
export type Timestamp = string;

/** An access token. */
export type Token = string;

/** How a subscription ended that the client did not end. */
export type UnsubscribeReason = "left" | "kicked" | "banned" | "deleted" | "expired";

/** Id and name of a user. */
export type UserBrief = {
  /** Id of the user. */
  user_id: Id;
  /** Name of the user. */
  username: string;
};

/** Who may find and join a room. */
export type Visibility = "public" | "private";

/** A user's status as others see it. */
export type VisibleStatus = "online" | "away" | "dnd" | "offline";

/** The user's role and read state in a room. */
export type You = {
  /** Read state of the room; absent on a resume, and where it could not be determined in time. */
  read?: ReadState;
  /** Role in the room. */
  role: RoomRole;
};

/** Authenticates the connection. */
export type ClientAuth = {
  /** Access token. */
  token: Token;
  type: "auth";
};

/** Subscribes to rooms; a room with a position is resumed there. */
export type ClientSubscribe = {
  /** 1 to 100 rooms. */
  rooms: Array<RoomPosition>;
  type: "subscribe";
};

/** Ends subscriptions to rooms. */
export type ClientUnsubscribe = {
  /** 1 to 100 rooms. */
  rooms: Array<RoomRef>;
  type: "unsubscribe";
};

/** Sends a message to a room. */
export type ClientMessage = {
  /** Ids of up to 10 files that the sender has uploaded and not attached to anything yet. */
  attachments?: Array<Id> | null;
  /** The client's id for the message; a repeat with the same id is the same message. */
  client_id?: ClientId | null;
  /** Text of the message; it may be left out, or empty, if there are attachments. */
  content?: ContentOrNone | null;
  /** Id of the message that this one replies to. A text that is none is refused as an id that nothing has. */
  reply_to?: string | null;
  /** Id or slug of the room; optional on a single-room connection. */
  room?: RoomRef | null;
  type?: "message" | null;
};

/** Asks for a `pong`. */
export type ClientPing = {
  type: "ping";
};

/** Asks for the newest position of rooms, without subscribing to them. */
export type ClientHeads = {
  /** 1 to 100 rooms; a room with a position is answered only if it has newer events. */
  rooms: Array<RoomPosition>;
  type: "heads";
};

/** Changes the text of a message. */
export type ClientEdit = {
  /** The client's id for the change, repeated in its `ack` or `error`. */
  client_id?: ClientId | null;
  /** New text of the message. */
  content: Content;
  /** Id of the message. */
  message_id: Id;
  /** Id or slug of the room; optional on a single-room connection. */
  room?: RoomRef | null;
  type: "edit";
};

/** Deletes a message. */
export type ClientDelete = {
  /** The client's id for the change, repeated in its `ack` or `error`. */
  client_id?: ClientId | null;
  /** Id of the message. */
  message_id: Id;
  /** Id or slug of the room; optional on a single-room connection. */
  room?: RoomRef | null;
  type: "delete";
};

/** Adds or removes a reaction to a message. */
export type ClientReact = {
  /** The client's id for the change, repeated in its `ack` or `error`. */
  client_id?: ClientId | null;
  /** Emoji of the reaction. */
  emoji: Emoji;
  /** Id of the message. */
  message_id: Id;
  /** Whether the reaction is removed instead of added. */
  remove?: boolean | null;
  /** Id or slug of the room; optional on a single-room connection. */
  room?: RoomRef | null;
  type: "react";
};

/** Sets the user's presence status. */
export type ClientPresence = {
  /** Status to show to others. */
  status: Status;
  /** Status text; absent removes the previous one. */
  text?: StatusText | null;
  type: "presence";
};

/** Chooses the users and rooms whose presence the connection receives. */
export type ClientWatch = {
  /** At most 100 rooms to which the connection is subscribed; they replace those watched before. */
  rooms?: Array<RoomRef> | null;
  type: "watch";
  /** At most 500 users; they replace those watched before. */
  users?: Array<Id> | null;
};

/** Reports that the user is typing. */
export type ClientTyping = {
  /** Id or slug of the room; optional on a single-room connection. */
  room?: RoomRef | null;
  type: "typing";
};

/** Moves the user's read mark in a room. */
export type ClientRead = {
  /** Epoch of `seq`; the room's current epoch if absent. */
  epoch?: Epoch | null;
  /** Id or slug of the room; optional on a single-room connection. */
  room?: RoomRef | null;
  /** Number of the last event that the user has read. */
  seq: Seq;
  type: "read";
};

/** Holds everything back that is said in rooms, until it is turned off. */
export type ClientBackground = {
  /** Whether nobody looks: only notices and counts are sent from then on. */
  on: boolean;
  type: "background";
};

/** What a client may say. */
export type ClientFrame =
  | ClientAuth
  | ClientSubscribe
  | ClientUnsubscribe
  | ClientMessage
  | ClientPing
  | ClientHeads
  | ClientEdit
  | ClientDelete
  | ClientReact
  | ClientPresence
  | ClientWatch
  | ClientTyping
  | ClientRead
  | ClientBackground;

/** The connection is authenticated. */
export type ServerHello = {
  /** What an `ack` on this server guarantees. */
  ack: AckMode;
  /** Milliseconds between the server's pings. */
  heartbeat_ms: number;
  /** Limits that a client should respect. */
  limits: Limits;
  /** Id of the login session of the token. */
  session: Id;
  type: "hello";
  /** User of the connection. */
  user: UserBrief;
};

/** The connection is subscribed to a room. */
export type ServerSubscribed = {
  /** Current epoch of the room. */
  epoch: Epoch;
  /** Number of the newest event in the room. */
  head: Seq;
  /** Name of the room; null if it has none. */
  name: string | null;
  /** Id of the room. */
  room: Id;
  /** Slug of the room, if it has one. */
  slug: Slug | null;
  /** Number up to which all events are known to be stored, at least. More may be. */
  stored: Seq;
  type: "subscribed";
  /** The user's role and read state in the room. */
  you: You;
};

/** The connection is no longer subscribed to a room. */
export type ServerUnsubscribed = {
  /** Why, if the client did not ask for it and it is known. */
  reason?: UnsubscribeReason;
  /** Id of the room. */
  room: Id;
  type: "unsubscribed";
};

/** All events up to `seq` have been sent; live events follow. */
export type ServerCaughtUp = {
  /** Id of the room. */
  room: Id;
  /** Number of the last event sent. */
  seq: Seq;
  type: "caught_up";
};

/** Events `from` to `to` are too many or too old to replay: read them from history. */
export type ServerGap = {
  /** Epoch of the numbers. */
  epoch: Epoch;
  /** Number of the first missing event. */
  from: Seq;
  /** Id of the room. */
  room: Id;
  /** Number of the last missing event. */
  to: Seq;
  type: "gap";
};

/** A new epoch has begun: re-send what was not acknowledged. Without `survived`, read history again. */
export type ServerReset = {
  /** The new epoch. */
  epoch: Epoch;
  /** Number in the new epoch after which events will be sent. */
  head: Seq;
  /** Id of the room. */
  room: Id;
  /** Last stored position of the previous epoch: events up to it are kept, those after it are lost. */
  survived?: Position;
  type: "reset";
};

/** A message or change is stored; the client need not send it again. */
export type ServerAck = {
  /** The client's id for the message or change. */
  client_id: ClientId;
  /** Epoch of `seq`. */
  epoch: Epoch;
  /** Id of the message, or of the event of a change. */
  message_id: Id;
  /** Id of the room. */
  room: Id;
  /** Number of the event in the room and epoch. */
  seq: Seq;
  /** Time at which the event was accepted. */
  timestamp: Timestamp;
  type: "ack";
  /** Whether it changed nothing; the position is then that of the message, and there is no event. */
  unchanged?: true;
};

/** A frame was rejected. The connection stays open. */
export type ServerError = {
  /** Client id of the message or change that failed. */
  client_id?: ClientId;
  /** Machine-readable code. */
  code: ErrorCode;
  /** Path of the invalid field. */
  field?: string;
  /** Description for people. */
  message: string;
  /** Milliseconds after which a retry makes sense. */
  retry_after_ms?: number;
  /** The room concerned, as the client named it. */
  room?: RoomRef;
  type: "error";
};

/** Answer to `ping`. */
export type ServerPong = {
  type: "pong";
};

/** The node is shutting down: reconnect after a delay. */
export type ServerReconnect = {
  /** Delay in milliseconds. */
  after_ms: number;
  type: "reconnect";
};

/** Answer to `heads`: the newest position of each room; rooms that the user may not read and rooms without news are left out. */
export type ServerHeads = {
  /** Rooms in the order of the request. */
  rooms: Array<RoomHead>;
  type: "heads";
};

/** The access token expires soon: send a newer one in an `auth` frame. */
export type ServerTokenExpiring = {
  /** Milliseconds until the token expires. */
  after_ms: number;
  type: "token_expiring";
};

/** The presence of a watched user changed. */
export type ServerPresence = {
  /** Time at which an offline user was last online, if it is known. */
  last_seen?: Timestamp;
  /** Status of the user. */
  status: VisibleStatus;
  /** Status text of the user, if there is one. */
  text?: StatusText;
  type: "presence";
  /** Id of the user. */
  user_id: Id;
};

/** Answer to `watch`: the presence of the users watched from now on. */
export type ServerWatching = {
  type: "watching";
  /** Presence of the watched users who share a room with the user. */
  users: Array<PresenceView>;
};

/** The users who are online in a watched room. */
export type ServerRoomPresence = {
  /** Ids of the users who are no longer online in the room. */
  gone?: Array<Id>;
  /** Number of users online in the room. */
  online: number;
  /** Id of the room. */
  room: Id;
  type: "room_presence";
  /** Presence of the users; absent if there are too many to list. */
  users?: Array<PresenceView>;
  /** Whether `users` is the full list; if not, it has those who came online or changed their status. */
  whole: boolean;
};

/** A user is typing. Not an event: it has no number and may be lost. */
export type ServerTyping = {
  /** Id of the room. */
  room: Id;
  type: "typing";
  /** The user who is typing. */
  user: UserBrief;
};

/** The user's read mark moved, on this device or another one. Also sent for rooms without a subscription. */
export type ServerRead = {
  /** Whether there may be more unread messages than were counted. */
  capped: boolean;
  /** Position up to which messages were counted; newer ones are not stored yet. */
  counted: Position;
  /** Epoch of the read mark. */
  epoch: Epoch;
  /** Number of unread messages that mention the user. */
  mentions: number;
  /** Id of the room. */
  room: Id;
  /** Number of the last event that the user has read. */
  seq: Seq;
  type: "read";
  /** Number of unread messages of others that are not deleted. */
  unread: number;
};

/** A member of a live room has read on. Not an event: it has no number and may be lost. */
export type ServerReadBy = {
  /** When the user has read it. */
  at: Timestamp;
  /** Position of the last event that the user has read. */
  read: Position;
  /** Id of the room. */
  room: Id;
  type: "read_by";
  /** Id of the user. */
  user_id: Id;
};

/** There is something new in the user's inbox. */
export type ServerNotification = {
  /** Id of who caused it. */
  by?: Id;
  /** When it was made, or made anew. */
  created_at: Timestamp;
  /** What it came to, in a word: the new role, `approved`, `denied`, `ban`, the code of an error. */
  detail?: string;
  /** Id of the notice. */
  id: Id;
  /** What it is about. */
  kind: NoticeKind;
  /** Id of the message it is about. */
  message?: Id;
  /** Whether the user has seen it. */
  read: boolean;
  /** Id of the room it is about. */
  room?: Id;
  /** What somebody wrote about it: a reason, an announcement. */
  text?: string;
  type: "notification";
};

/** Notices were read, on this device or another one: all up to one, or those of a room up to where it was read. */
export type ServerNotificationsRead = {
  /** How many were not read before. */
  count: number;
  /** Id of the room that was read. */
  room?: Id;
  type: "notifications_read";
  /** Id of the newest notice that was read, unless it is about a room. */
  up_to?: Id;
};

/** The user became a member of a room, on any device or by somebody else. It may be lost. */
export type ServerRoomAdded = {
  /** What kind of room it is. */
  kind: RoomKind;
  /** Id of the room. */
  room: Id;
  type: "room_added";
};

/** The user is no longer a member of a room, by whatever device or person. It may be lost. */
export type ServerRoomRemoved = {
  /** Id of the room. */
  room: Id;
  type: "room_removed";
};

/** A user whom the connection watches, or the user of the connection, has another name or picture. */
export type ServerUserUpdated = {
  /** Where the picture of the user is. */
  avatar: string | null;
  /** How the user wants to be called. */
  display_name: string | null;
  type: "user_updated";
  /** Id of the user. */
  user_id: Id;
  /** Name of the user. */
  username: string;
};

/** The user has other settings, chosen on this device or another one: read them again. */
export type ServerSettingsUpdated = {
  /** Whether others see what the user has read. */
  read_receipts: boolean;
  type: "settings_updated";
  /** Whether others see that the user is typing. */
  typing: boolean;
};

/** The user wants something else of a room, said on this device or another one. */
export type ServerRoomPreferences = {
  /** Whether it is one of the user's favourites. */
  favourite: boolean;
  /** Whether it is left out of the list. */
  hidden: boolean;
  /** Whether the user has marked it as unread. */
  marked_unread: boolean;
  /** Until when there are none. */
  muted_until?: Timestamp;
  /** Of what there are notices. Where nothing was chosen it is `all`, and the user's settings count. */
  notify: Notify;
  /** Id of the room. */
  room: Id;
  type: "room_preferences";
};

/** Those who run the server tell everybody something, or take it back. */
export type ServerAnnouncement = {
  /** What it says; absent if it is taken back. */
  content?: string;
  /** When it was made; absent if it is taken back. */
  created_at?: Timestamp;
  /** Whether it is taken back. */
  deleted?: true;
  /** Id of the announcement. */
  id: Id;
  type: "announcement";
};

/** A message was sent. */
export type ServerNewMessage = {
  /** Epoch of `seq`. */
  epoch: Epoch;
  /** The message that was sent. */
  message: Message;
  /** Id of the room. */
  room: Id;
  /** Number of the event in the room and epoch. */
  seq: Seq;
  type: "new_message";
};

/** A user became a member. */
export type ServerMemberJoined = {
  /** The user who added the member; absent if the member joined alone. */
  by?: UserBrief;
  /** Epoch of `seq`. */
  epoch: Epoch;
  /** Id of the room. */
  room: Id;
  /** Number of the event in the room and epoch. */
  seq: Seq;
  /** Time of the event. */
  timestamp: Timestamp;
  type: "member_joined";
  /** The user who joined. */
  user: UserBrief;
};

/** A member left the room. */
export type ServerMemberLeft = {
  /** Epoch of `seq`. */
  epoch: Epoch;
  /** Id of the room. */
  room: Id;
  /** Number of the event in the room and epoch. */
  seq: Seq;
  /** Time of the event. */
  timestamp: Timestamp;
  type: "member_left";
  /** The user who left. */
  user: UserBrief;
};

/** The text of a message was changed. */
export type ServerMessageEdited = {
  /** New text; empty if the message has been deleted since. */
  content: string;
  /** Epoch of `seq`. */
  epoch: Epoch;
  /** Id of the message. */
  message_id: Id;
  /** Id of the room. */
  room: Id;
  /** Number of the event in the room and epoch. */
  seq: Seq;
  /** Time of the event. */
  timestamp: Timestamp;
  type: "message_edited";
  /** The user who edited it. */
  user: UserBrief;
};

/** A message was deleted. */
export type ServerMessageDeleted = {
  /** Epoch of `seq`. */
  epoch: Epoch;
  /** Id of the message. */
  message_id: Id;
  /** Id of the room. */
  room: Id;
  /** Number of the event in the room and epoch. */
  seq: Seq;
  /** Time of the event. */
  timestamp: Timestamp;
  type: "message_deleted";
  /** The user who deleted it. */
  user: UserBrief;
};

/** A user reacted to a message. */
export type ServerReactionAdded = {
  /** Emoji of the reaction. */
  emoji: Emoji;
  /** Epoch of `seq`. */
  epoch: Epoch;
  /** Id of the message. */
  message_id: Id;
  /** Id of the room. */
  room: Id;
  /** Number of the event in the room and epoch. */
  seq: Seq;
  /** Time of the event. */
  timestamp: Timestamp;
  type: "reaction_added";
  /** The user who reacted. */
  user: UserBrief;
};

/** A user removed a reaction. */
export type ServerReactionRemoved = {
  /** Emoji of the reaction. */
  emoji: Emoji;
  /** Epoch of `seq`. */
  epoch: Epoch;
  /** Id of the message. */
  message_id: Id;
  /** Id of the room. */
  room: Id;
  /** Number of the event in the room and epoch. */
  seq: Seq;
  /** Time of the event. */
  timestamp: Timestamp;
  type: "reaction_removed";
  /** The user who removed the reaction. */
  user: UserBrief;
};

/** A member was removed from the room by a moderator. */
export type ServerMemberKicked = {
  /** The user who kicked the member. */
  by: UserBrief;
  /** Epoch of `seq`. */
  epoch: Epoch;
  /** Id of the room. */
  room: Id;
  /** Number of the event in the room and epoch. */
  seq: Seq;
  /** Time of the event. */
  timestamp: Timestamp;
  type: "member_kicked";
  /** The member who was kicked. */
  user: UserBrief;
};

/** A user was banned from the room. */
export type ServerMemberBanned = {
  /** The user who banned the user. */
  by: UserBrief;
  /** Epoch of `seq`. */
  epoch: Epoch;
  /** Id of the room. */
  room: Id;
  /** Number of the event in the room and epoch. */
  seq: Seq;
  /** Time of the event. */
  timestamp: Timestamp;
  type: "member_banned";
  /** End of the ban; absent if it has none. */
  until?: Timestamp;
  /** The user who was banned. */
  user: UserBrief;
};

/** A user's ban was lifted. */
export type ServerMemberUnbanned = {
  /** The user who lifted the ban. */
  by: UserBrief;
  /** Epoch of `seq`. */
  epoch: Epoch;
  /** Id of the room. */
  room: Id;
  /** Number of the event in the room and epoch. */
  seq: Seq;
  /** Time of the event. */
  timestamp: Timestamp;
  type: "member_unbanned";
  /** The user whose ban was lifted. */
  user: UserBrief;
};

/** A user was muted in the room. */
export type ServerMemberMuted = {
  /** The user who muted the user. */
  by: UserBrief;
  /** Epoch of `seq`. */
  epoch: Epoch;
  /** Id of the room. */
  room: Id;
  /** Number of the event in the room and epoch. */
  seq: Seq;
  /** Time of the event. */
  timestamp: Timestamp;
  type: "member_muted";
  /** End of the mute; absent if it has none. */
  until?: Timestamp;
  /** The user who was muted. */
  user: UserBrief;
};

/** A user's mute was lifted. */
export type ServerMemberUnmuted = {
  /** The user who lifted the mute. */
  by: UserBrief;
  /** Epoch of `seq`. */
  epoch: Epoch;
  /** Id of the room. */
  room: Id;
  /** Number of the event in the room and epoch. */
  seq: Seq;
  /** Time of the event. */
  timestamp: Timestamp;
  type: "member_unmuted";
  /** The user whose mute was lifted. */
  user: UserBrief;
};

/** The settings of the room were changed. */
export type ServerRoomUpdated = {
  /** The user who changed the settings. */
  by: UserBrief;
  /** What is different now; absent in events of older releases. */
  changed?: RoomChanges;
  /** Epoch of `seq`. */
  epoch: Epoch;
  /** Whether only owner, moderators and admins may send messages. */
  frozen: boolean;
  /** Id of the room. */
  room: Id;
  /** Number of the event in the room and epoch. */
  seq: Seq;
  /** Slow mode: milliseconds that a member must wait between two messages or edits; 0 if it is off. */
  slow_mode_ms: number;
  /** Time of the event. */
  timestamp: Timestamp;
  type: "room_updated";
};

/** The room was deleted. No event follows. */
export type ServerRoomDeleted = {
  /** The user who deleted the room, or whose room it was. */
  by: UserBrief;
  /** Epoch of `seq`. */
  epoch: Epoch;
  /** Whether the room was deleted, or its time was over. */
  reason: DeletionReason;
  /** Id of the room. */
  room: Id;
  /** Number of the event in the room and epoch. */
  seq: Seq;
  /** Time of the event. */
  timestamp: Timestamp;
  type: "room_deleted";
};

/** The room has another owner. */
export type ServerOwnerChanged = {
  /** The user who decided it. */
  by: UserBrief;
  /** Epoch of `seq`. */
  epoch: Epoch;
  /** The owner before, who is a moderator now; absent if the room had none. */
  previous?: Id;
  /** Id of the room. */
  room: Id;
  /** Number of the event in the room and epoch. */
  seq: Seq;
  /** Time of the event. */
  timestamp: Timestamp;
  type: "owner_changed";
  /** The owner from now on. */
  user: UserBrief;
};

/** A member has another role. */
export type ServerMemberRoleChanged = {
  /** The user who decided it. */
  by: UserBrief;
  /** Epoch of `seq`. */
  epoch: Epoch;
  /** The role from now on. */
  role: RoomRole;
  /** Id of the room. */
  room: Id;
  /** Number of the event in the room and epoch. */
  seq: Seq;
  /** Time of the event. */
  timestamp: Timestamp;
  type: "member_role_changed";
  /** The member. */
  user: UserBrief;
};

/** A message was pinned to the room. */
export type ServerMessagePinned = {
  /** Epoch of `seq`. */
  epoch: Epoch;
  /** Id of the message. */
  message_id: Id;
  /** Id of the room. */
  room: Id;
  /** Number of the event in the room and epoch. */
  seq: Seq;
  /** Time of the event. */
  timestamp: Timestamp;
  type: "message_pinned";
  /** The user who pinned it. */
  user: UserBrief;
};

/** A message is no longer pinned to the room. */
export type ServerMessageUnpinned = {
  /** Epoch of `seq`. */
  epoch: Epoch;
  /** Id of the message. */
  message_id: Id;
  /** Id of the room. */
  room: Id;
  /** Number of the event in the room and epoch. */
  seq: Seq;
  /** Time of the event. */
  timestamp: Timestamp;
  type: "message_unpinned";
  /** The user who took the pin away. */
  user: UserBrief;
};

/** The messages that a user sent to the room in a span of time were removed. */
export type ServerMessagesPurged = {
  /** The user who removed them. */
  by: UserBrief;
  /** Epoch of `seq`. */
  epoch: Epoch;
  /** Messages from this time on; from the first one if absent. */
  from?: Timestamp;
  /** Id of the room. */
  room: Id;
  /** Number of the event in the room and epoch. */
  seq: Seq;
  /** Time of the event. */
  timestamp: Timestamp;
  /** Messages up to this time. */
  to: Timestamp;
  type: "messages_purged";
  /** The author of the messages. */
  user: UserBrief;
};

/** What the server may say. */
export type ServerFrame =
  | ServerHello
  | ServerSubscribed
  | ServerUnsubscribed
  | ServerCaughtUp
  | ServerGap
  | ServerReset
  | ServerAck
  | ServerError
  | ServerPong
  | ServerReconnect
  | ServerHeads
  | ServerTokenExpiring
  | ServerPresence
  | ServerWatching
  | ServerRoomPresence
  | ServerTyping
  | ServerRead
  | ServerReadBy
  | ServerNotification
  | ServerNotificationsRead
  | ServerRoomAdded
  | ServerRoomRemoved
  | ServerUserUpdated
  | ServerSettingsUpdated
  | ServerRoomPreferences
  | ServerAnnouncement
  | ServerNewMessage
  | ServerMemberJoined
  | ServerMemberLeft
  | ServerMessageEdited
  | ServerMessageDeleted
  | ServerReactionAdded
  | ServerReactionRemoved
  | ServerMemberKicked
  | ServerMemberBanned
  | ServerMemberUnbanned
  | ServerMemberMuted
  | ServerMemberUnmuted
  | ServerRoomUpdated
  | ServerRoomDeleted
  | ServerOwnerChanged
  | ServerMemberRoleChanged
  | ServerMessagePinned
  | ServerMessageUnpinned
  | ServerMessagesPurged;
