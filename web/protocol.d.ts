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

/** The bounds announced in `hello`. */
export type Limits = {
  /** Bytes of one message text. */
  content_bytes: number;
  /** Characters of one message text. */
  content_chars: number;
  /** Bytes of one frame. */
  frame_bytes: number;
  /** Missed events that a resume replays. */
  resume_events: number;
  /** Live rooms of one connection. */
  rooms: number;
};

/** A message as clients see it. */
export type Message = {
  /** Always empty: messages carry no files. */
  attachments: Array<string>;
  /** The sender's name for it. */
  client_id: ClientId;
  /** The text; empty if it is deleted. */
  content: string;
  /** Whether it is deleted; its text is then empty. Only in history. */
  deleted?: true;
  /** When its text was changed last; only in history. */
  edited_at?: Timestamp;
  /** Its id. */
  message_id: Id;
  /** Who reacted how; only in history. */
  reactions?: Array<Reaction>;
  /** The message it answers. */
  reply_to: Id | null;
  /** When it was accepted. */
  timestamp: Timestamp;
  /** Who said it. */
  user_id: Id;
  /** The name that user had then. */
  username: string;
};

/** Place of an event in a room. Places are in the order of history. */
export type Position = {
  /** Epoch of the number. */
  epoch: Epoch;
  /** The number. */
  seq: Seq;
};

/** A user's presence, as others see it. */
export type PresenceView = {
  /** When an offline user was last online, as far as it is known. */
  last_seen?: Timestamp;
  /** As what. */
  status: VisibleStatus;
  /** In the user's own words. */
  text?: StatusText;
  /** Who. */
  user_id: Id;
};

/** One reaction to a message. */
export type Reaction = {
  /** How many users' it is. */
  count: number;
  /** The reaction. */
  emoji: Emoji;
  /** Whether it is the reader's, where there are more users than are named. */
  mine?: true;
  /** Whose it is, in the order of reacting; the first ones if they are many. */
  user_ids: Array<Id>;
};

/** What is unread in one room. The counts are those of the stored messages between mark and [`ReadState::counted`]. */
export type ReadState = {
  /** Whether there may be more than was counted. */
  capped: boolean;
  /** Up to where was counted; what is newer waits to be stored. */
  counted: Position;
  /** Epoch of the read mark. */
  epoch: Epoch;
  /** Those of them that mention the user. */
  mentions: number;
  /** Number of the last event that was read. */
  seq: Seq;
  /** Messages of others after it that are not deleted. */
  unread: number;
};

/** Where one room stands. */
export type RoomHead = {
  /** Current epoch. */
  epoch: Epoch;
  /** The room. */
  room: Id;
  /** Number of the newest event. */
  seq: Seq;
};

/** A room, with the last event the client has of it. Half a position proves nothing. */
export type RoomPosition = {
  /** Epoch of the last event the client has. */
  epoch?: Epoch | null;
  /** The room. */
  room: RoomRef;
  /** Number of the last event the client has. */
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

/** As what a user wants to be shown while online. */
export type Status = "online" | "away" | "dnd";

/** A user's status in words: one line, something of it visible. */
export type StatusText = string;

/** RFC 3339, in UTC, with milliseconds. */
export type Timestamp = string;

/** An access token. */
export type Token = string;

/** Id and name of a user. */
export type UserBrief = {
  /** Account. */
  user_id: Id;
  /** Name. */
  username: string;
};

/** As what a user is shown. */
export type VisibleStatus = "online" | "away" | "dnd" | "offline";

/** What the user of the connection is in a room. */
export type You = {
  /** What is unread there; left out for who resumes, and where it could not be found out in time. */
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

/** Makes rooms live on this connection; with a position it resumes. */
export type ClientSubscribe = {
  /** 1 to 100 rooms. */
  rooms: Array<RoomPosition>;
  type: "subscribe";
};

/** Stops rooms on this connection. */
export type ClientUnsubscribe = {
  /** 1 to 100 rooms. */
  rooms: Array<RoomRef>;
  type: "unsubscribe";
};

/** Says something in a room. */
export type ClientMessage = {
  /** The client's name for the message. */
  client_id?: ClientId | null;
  /** The text. */
  content: Content;
  /** The message this one answers. */
  reply_to?: Id | null;
  /** The room; not needed on a connection of one room. */
  room?: RoomRef | null;
  type?: "message" | null;
};

/** Asks for a `pong`. */
export type ClientPing = {
  type: "ping";
};

/** Asks where rooms stand, without making them live. */
export type ClientHeads = {
  /** 1 to 100 rooms; with a position only news is told. */
  rooms: Array<RoomPosition>;
  type: "heads";
};

/** Changes the text of a message. */
export type ClientEdit = {
  /** The client's name for the change. */
  client_id?: ClientId | null;
  /** Its new text. */
  content: Content;
  /** The message. */
  message_id: Id;
  /** The room; not needed on a connection of one room. */
  room?: RoomRef | null;
  type: "edit";
};

/** Takes a message away. */
export type ClientDelete = {
  /** The client's name for it. */
  client_id?: ClientId | null;
  /** The message. */
  message_id: Id;
  /** The room; not needed on a connection of one room. */
  room?: RoomRef | null;
  type: "delete";
};

/** Reacts to a message, or takes a reaction back. */
export type ClientReact = {
  /** The client's name for it. */
  client_id?: ClientId | null;
  /** The reaction. */
  emoji: Emoji;
  /** The message. */
  message_id: Id;
  /** Whether it is taken back. */
  remove?: boolean | null;
  /** The room; not needed on a connection of one room. */
  room?: RoomRef | null;
  type: "react";
};

/** Says as what the user is shown. */
export type ClientPresence = {
  /** As what to be shown. */
  status: Status;
  /** In the user's own words; none takes the words back. */
  text?: StatusText | null;
  type: "presence";
};

/** Says whose presence the connection is told. */
export type ClientWatch = {
  /** At most 100 rooms that are live on the connection; they replace those before. */
  rooms?: Array<RoomRef> | null;
  type: "watch";
  /** At most 500 users; they replace those before. */
  users?: Array<Id> | null;
};

/** Says that the user is typing. */
export type ClientTyping = {
  /** The room; not needed on a connection of one room. */
  room?: RoomRef | null;
  type: "typing";
};

/** Has read a room up to a place. */
export type ClientRead = {
  /** Epoch of the number; the room's current one if it is left out. */
  epoch?: Epoch | null;
  /** The room; not needed on a connection of one room. */
  room?: RoomRef | null;
  /** Number of the last event that was read. */
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
  /** What an `ack` will say. */
  ack: AckMode;
  /** Milliseconds between the server's pings. */
  heartbeat_ms: number;
  /** Bounds a client should respect. */
  limits: Limits;
  /** Login session of the token. */
  session: Id;
  type: "hello";
  /** Whose connection it is. */
  user: UserBrief;
};

/** A room is live on this connection. */
export type ServerSubscribed = {
  /** Current epoch. */
  epoch: Epoch;
  /** Number of the newest event. */
  head: Seq;
  /** Its name. */
  name: string;
  /** The room. */
  room: Id;
  /** Its readable address, if it has one. */
  slug: Slug | null;
  /** Number up to which the store has everything. */
  stored: Seq;
  type: "subscribed";
  /** What the user is here. */
  you: You;
};

/** A room is no longer live on this connection. */
export type ServerUnsubscribed = {
  /** The room. */
  room: Id;
  type: "unsubscribed";
};

/** Everything up to `seq` has been sent; what follows is live. */
export type ServerCaughtUp = {
  /** The room. */
  room: Id;
  /** Number of the last event sent. */
  seq: Seq;
  type: "caught_up";
};

/** Events `from` to `to` are too many or too old to replay: page them from history. */
export type ServerGap = {
  /** First missing number. */
  from: Seq;
  /** The room. */
  room: Id;
  /** Last missing number. */
  to: Seq;
  type: "gap";
};

/** The numbers go on under another epoch: re-send what has no ack. Without `survived` read history again. */
export type ServerReset = {
  /** The epoch that holds from now on. */
  epoch: Epoch;
  /** The number behind which the events go on that will be sent. */
  head: Seq;
  /** The room. */
  room: Id;
  /** The last place of the epoch before that is stored: what the client has up to there stays, what it has behind it is lost. */
  survived?: Position;
  type: "reset";
};

/** The message is stored; it can be dropped from the client's outbox. */
export type ServerAck = {
  /** The client's name for it. */
  client_id: ClientId;
  /** Epoch of its number. */
  epoch: Epoch;
  /** Its id. */
  message_id: Id;
  /** The room. */
  room: Id;
  /** Its number. */
  seq: Seq;
  /** When it was accepted. */
  timestamp: Timestamp;
  type: "ack";
  /** Whether it changed nothing: then the place is that of the message, and there is no event. */
  unchanged?: true;
};

/** A frame was refused. The connection stays open. */
export type ServerError = {
  /** The message it is about. */
  client_id?: ClientId;
  /** For programs. */
  code: ErrorCode;
  /** The field at fault. */
  field?: string;
  /** For people. */
  message: string;
  /** When to try again, in milliseconds. */
  retry_after_ms?: number;
  /** The room it is about, as the client named it. */
  room?: RoomRef;
  type: "error";
};

/** Answer to `ping`. */
export type ServerPong = {
  type: "pong";
};

/** This node is stopping: connect again after so many milliseconds. */
export type ServerReconnect = {
  /** Milliseconds to wait. */
  after_ms: number;
  type: "reconnect";
};

/** Where rooms stand that the client asked for; those it may not read, or knows the newest event of, are left out. */
export type ServerHeads = {
  /** In the order asked. */
  rooms: Array<RoomHead>;
  type: "heads";
};

/** The access token ends soon: send a newer one in an `auth` frame. */
export type ServerTokenExpiring = {
  /** Milliseconds until then. */
  after_ms: number;
  type: "token_expiring";
};

/** A watched user came, went, or has another status. */
export type ServerPresence = {
  /** When an offline user was last online, as far as it is known. */
  last_seen?: Timestamp;
  /** As what. */
  status: VisibleStatus;
  /** In the user's own words. */
  text?: StatusText;
  type: "presence";
  /** Who. */
  user_id: Id;
};

/** Answer to `watch`: how those stand who are watched from now on. */
export type ServerWatching = {
  type: "watching";
  /** The users, without those who share no room with the user of the connection. */
  users: Array<PresenceView>;
};

/** Who is in a watched room. */
export type ServerRoomPresence = {
  /** Those who went. */
  gone?: Array<Id>;
  /** How many users are in it. */
  online: number;
  /** The room. */
  room: Id;
  type: "room_presence";
  /** The users; left out where there are too many to be named. */
  users?: Array<PresenceView>;
  /** Whether `users` are all of them; else those who came or have another status. */
  whole: boolean;
};

/** Somebody is typing. Not an event: it has no number and may be lost. */
export type ServerTyping = {
  /** The room. */
  room: Id;
  type: "typing";
  /** Who. */
  user: UserBrief;
};

/** The user has read on in a room, on this device or another one. Tells of rooms that are not live, too. */
export type ServerRead = {
  /** Whether there may be more than was counted. */
  capped: boolean;
  /** Up to where was counted; what is newer waits to be stored. */
  counted: Position;
  /** Epoch of the read mark. */
  epoch: Epoch;
  /** Those of them that mention the user. */
  mentions: number;
  /** The room. */
  room: Id;
  /** Number of the last event that was read. */
  seq: Seq;
  type: "read";
  /** Messages of others after it that are not deleted. */
  unread: number;
};

/** Somebody said something. */
export type ServerNewMessage = {
  /** Epoch of the number. */
  epoch: Epoch;
  /** The message. */
  message: Message;
  /** The room. */
  room: Id;
  /** Number in the room. */
  seq: Seq;
  type: "new_message";
};

/** Somebody became a member. */
export type ServerMemberJoined = {
  /** Epoch of the number. */
  epoch: Epoch;
  /** The room. */
  room: Id;
  /** Number in the room. */
  seq: Seq;
  /** When. */
  timestamp: Timestamp;
  type: "member_joined";
  /** Who. */
  user: UserBrief;
};

/** Somebody is no longer a member. */
export type ServerMemberLeft = {
  /** Epoch of the number. */
  epoch: Epoch;
  /** The room. */
  room: Id;
  /** Number in the room. */
  seq: Seq;
  /** When. */
  timestamp: Timestamp;
  type: "member_left";
  /** Who. */
  user: UserBrief;
};

/** The text of a message was changed. */
export type ServerMessageEdited = {
  /** Its new text; empty if it was deleted since. */
  content: string;
  /** Epoch of the number. */
  epoch: Epoch;
  /** The message. */
  message_id: Id;
  /** The room. */
  room: Id;
  /** Number in the room. */
  seq: Seq;
  /** When. */
  timestamp: Timestamp;
  type: "message_edited";
  /** Who. */
  user: UserBrief;
};

/** A message was deleted. */
export type ServerMessageDeleted = {
  /** Epoch of the number. */
  epoch: Epoch;
  /** The message. */
  message_id: Id;
  /** The room. */
  room: Id;
  /** Number in the room. */
  seq: Seq;
  /** When. */
  timestamp: Timestamp;
  type: "message_deleted";
  /** Who. */
  user: UserBrief;
};

/** Somebody reacted to a message. */
export type ServerReactionAdded = {
  /** The reaction. */
  emoji: Emoji;
  /** Epoch of the number. */
  epoch: Epoch;
  /** The message. */
  message_id: Id;
  /** The room. */
  room: Id;
  /** Number in the room. */
  seq: Seq;
  /** When. */
  timestamp: Timestamp;
  type: "reaction_added";
  /** Who. */
  user: UserBrief;
};

/** Somebody took a reaction back. */
export type ServerReactionRemoved = {
  /** The reaction. */
  emoji: Emoji;
  /** Epoch of the number. */
  epoch: Epoch;
  /** The message. */
  message_id: Id;
  /** The room. */
  room: Id;
  /** Number in the room. */
  seq: Seq;
  /** When. */
  timestamp: Timestamp;
  type: "reaction_removed";
  /** Who. */
  user: UserBrief;
};

/** Somebody's membership was ended by another. */
export type ServerMemberKicked = {
  /** By whom. */
  by: UserBrief;
  /** Epoch of the number. */
  epoch: Epoch;
  /** The room. */
  room: Id;
  /** Number in the room. */
  seq: Seq;
  /** When. */
  timestamp: Timestamp;
  type: "member_kicked";
  /** Who. */
  user: UserBrief;
};

/** Somebody was banned. */
export type ServerMemberBanned = {
  /** By whom. */
  by: UserBrief;
  /** Epoch of the number. */
  epoch: Epoch;
  /** The room. */
  room: Id;
  /** Number in the room. */
  seq: Seq;
  /** When. */
  timestamp: Timestamp;
  type: "member_banned";
  /** Until when; for good if not said. */
  until?: Timestamp;
  /** Who. */
  user: UserBrief;
};

/** Somebody's ban was lifted. */
export type ServerMemberUnbanned = {
  /** By whom. */
  by: UserBrief;
  /** Epoch of the number. */
  epoch: Epoch;
  /** The room. */
  room: Id;
  /** Number in the room. */
  seq: Seq;
  /** When. */
  timestamp: Timestamp;
  type: "member_unbanned";
  /** Who. */
  user: UserBrief;
};

/** Somebody was muted. */
export type ServerMemberMuted = {
  /** By whom. */
  by: UserBrief;
  /** Epoch of the number. */
  epoch: Epoch;
  /** The room. */
  room: Id;
  /** Number in the room. */
  seq: Seq;
  /** When. */
  timestamp: Timestamp;
  type: "member_muted";
  /** Until when; for good if not said. */
  until?: Timestamp;
  /** Who. */
  user: UserBrief;
};

/** Somebody's mute was lifted. */
export type ServerMemberUnmuted = {
  /** By whom. */
  by: UserBrief;
  /** Epoch of the number. */
  epoch: Epoch;
  /** The room. */
  room: Id;
  /** Number in the room. */
  seq: Seq;
  /** When. */
  timestamp: Timestamp;
  type: "member_unmuted";
  /** Who. */
  user: UserBrief;
};

/** The settings of the room were changed. */
export type ServerRoomUpdated = {
  /** By whom. */
  by: UserBrief;
  /** Epoch of the number. */
  epoch: Epoch;
  /** Whether only those who keep order may say something. */
  frozen: boolean;
  /** The room. */
  room: Id;
  /** Number in the room. */
  seq: Seq;
  /** Milliseconds that a member must wait between two texts; 0 for none. */
  slow_mode_ms: number;
  /** When. */
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
