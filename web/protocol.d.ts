// Frames of the sockets. Printed by `rookery typescript`; written again by `make docs`.
//
// A later server may send more fields and more types of frames: ignore what you do not know.

/** What an `ack` says. */
export type AckMode = "stored" | "accepted";

/** The client's own name for what it sends, unique per user: visible ASCII. */
export type ClientId = string;

/** The text; something of it must be visible. */
export type Content = string;

/** A reaction: one emoji of the Unicode list. From the server it is fully qualified. */
export type Emoji = string;

/** Incarnation of a room's numbers. */
export type Epoch = string;

/** What went wrong, for programs. */
export type ErrorCode = "bad_json" | "unknown_type" | "bad_field" | "empty_content" | "content_too_long" | "room_required" | "unknown_room" | "not_a_member" | "forbidden" | "too_many_rooms" | "unauthenticated" | "bad_credentials" | "bad_refresh_token" | "username_taken" | "registration_closed" | "account_exists" | "room_name_taken" | "not_found" | "method_not_allowed" | "unsupported_media_type" | "body_too_large" | "request_timeout" | "overloaded" | "unavailable" | "internal" | "unknown_message" | "too_many_reactions" | "muted" | "banned" | "rate_limited" | "slow_mode" | "frozen" | "client_id_reused" | "password_too_common" | "owner_must_transfer";

/** A UUID. */
export type Id = string;

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
  /** Always empty: messages have no attachments. */
  attachments: Array<string>;
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
  /** Id of the message that it replies to. */
  reply_to: Id | null;
  /** Time at which the message was accepted. */
  timestamp: Timestamp;
  /** Id of its author. */
  user_id: Id;
  /** The author's name at that time. */
  username: string;
};

/** Position of an event in a room. Positions are ordered like the history. */
export type Position = {
  /** Epoch of `seq`. */
  epoch: Epoch;
  /** Number of the event in the room and epoch. */
  seq: Seq;
};

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

/** Newest position of a room. */
export type RoomHead = {
  /** Current epoch of the room. */
  epoch: Epoch;
  /** Id of the room. */
  room: Id;
  /** Number of the newest event in the room. */
  seq: Seq;
};

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

/** Id and name of a user. */
export type UserBrief = {
  /** Id of the user. */
  user_id: Id;
  /** Name of the user. */
  username: string;
};

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
  /** The client's id for the message; a repeat with the same id is the same message. */
  client_id?: ClientId | null;
  /** Text of the message. */
  content: Content;
  /** Id of the message that this one replies to. */
  reply_to?: Id | null;
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
  | ClientRead;

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
  /** Name of the room. */
  name: string;
  /** Id of the room. */
  room: Id;
  /** Slug of the room, if it has one. */
  slug: Slug | null;
  /** Number up to which all events are stored. */
  stored: Seq;
  type: "subscribed";
  /** The user's role and read state in the room. */
  you: You;
};

/** The connection is no longer subscribed to a room. */
export type ServerUnsubscribed = {
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
  | ServerRoomUpdated;
