//! What every store promises. Each test is written once, against the traits, and runs on both backends under the
//! names `sqlite::…` and `mongo::…`; what only one backend has to show is in `mongo_only` and `sqlite_only`.

use crate::home::{Home, at_once};

mod acts;
mod backend;
mod epochs;
mod load;
mod members;
mod messages;
mod mongo_only;
mod old_store;
mod outbox;
mod places;
mod rooms;
mod sanctions;
mod sessions;
mod sqlite_only;
mod unread;
mod users;

macro_rules! on_both {
    ($($group:ident { $($name:ident)+ })+) => {
        mod sqlite {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    super::$group::$name(super::Home::sqlite()).await;
                }
            )+)+
        }

        mod mongo {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    super::$group::$name(super::Home::mongo()).await;
                }
            )+)+
        }
    };
}

on_both! {
    users {
        accounts_are_found_as_they_were_written
        names_are_unique_in_any_case
        addresses_are_unique_in_any_case
        login_is_a_name_or_an_address_in_any_case
        login_text_is_never_a_query
        one_of_many_registrations_wins
        accounts_are_found_by_many_ids
    }
    sessions {
        sessions_are_found_as_they_were_written
        lookups_are_unique
        rotation_moves_the_token_on
        rotation_needs_the_valid_token
        rotate_race
        revoked_sessions_do_not_rotate
        the_first_revocation_counts
        all_sessions_of_a_user_end_at_once
        the_oldest_sessions_of_a_user_make_place
        what_is_over_is_erased_and_stays_over
    }
    rooms {
        rooms_are_found_as_they_were_written
        slugs_are_unique
        c01_names_of_public_rooms_are_unique_in_one_form
        rooms_without_a_slug_do_not_collide
        public_rooms_come_in_pages
        rooms_are_found_by_many_ids
        settings_change_and_are_announced
        settings_race
    }
    members {
        joining_raises_the_acl_and_announces
        rooms_whose_rights_change_are_found_by_when
        joining_twice_changes_nothing
        leaving_undoes_joining
        join_race_of_one_user
        join_race_of_many_users
        join_race_of_processes
        leave_race
        join_and_leave_race
        rooms_of_a_user_are_in_order_of_joining
        a_room_that_does_not_exist_has_no_members
        a_change_that_fails_leaves_nothing_behind
        members_of_a_room_come_in_pages
        members_of_many_rooms_are_counted_together
        who_shares_a_room_is_acquainted
        d13_an_owner_leaves_last_and_closes_the_room
    }
    sanctions {
        a_kick_ends_the_membership_and_announces
        a_ban_keeps_out_until_it_ends
        a_mute_stays_over_leaving_and_coming_back
        acts_that_change_nothing_are_not_announced
        ban_and_join_race
        members_are_told_from_others
        many_places_are_looked_at_together
        accounts_are_disabled_and_enabled
    }
    outbox {
        announcements_wait_in_order
        done_is_idempotent
        announcements_of_one_room_keep_their_order
    }
    messages {
        history_returns_what_was_applied
        applying_again_changes_nothing
        trace_context_is_not_stored
        a_place_is_taken_once
        an_event_has_one_place
        an_event_that_is_held_is_told_with_its_place
        batches_may_be_partly_repeated
        an_event_may_be_twice_in_a_batch
        concurrent_repeats_end_in_one_history
        an_empty_batch_is_nothing
        large_batches_are_applied
        the_last_place_is_that_of_the_largest_number
    }
    acts {
        acts_are_history_and_change_their_message
        repeated_acts_change_nothing
        a_late_repeat_of_an_act_changes_nothing
        acts_end_alike_in_any_order_and_any_batches
        a_deleted_text_is_nowhere
        edits_are_kept_with_their_places
        reactions_are_the_last_word_of_each_user
        too_many_reactions_are_not_shown
        a_message_is_found_in_its_room
        acts_at_once_end_with_the_newest
        b06_pages_of_what_is_shown_leave_acts_out
        b06_who_reacted_comes_in_pages
        b06_reactions_that_were_taken_back_go
    }
    places {
        pages_are_in_order_over_epochs
        windows_leave_their_place_out
        windows_end_where_history_ends
        every_page_size_visits_every_event_once
        every_page_is_found_where_numbers_leap
        rooms_have_separate_histories
        places_may_be_anywhere
    }
    epochs {
        epochs_begin_in_order
        epochs_grow
        timelines_do_not_share_epochs
        partitions_have_epochs_of_their_own
        epoch_race
    }
    backend {
        it_answers
        migrating_twice_is_fine
        migrating_at_once_is_fine
        reopening_keeps_everything
    }
    unread {
        a_mark_only_moves_on_and_ends_with_the_membership
        rooms_of_a_user_come_in_pages_with_their_marks
        messages_of_others_after_the_mark_are_unread
        spans_cross_epochs
        counts_end_at_their_bound
        what_is_not_stored_does_not_count
        mentions_are_those_of_the_newest_text_in_any_order
        mentions_lie_at_the_place_of_their_message
    }
    old_store {
        c01_rooms_of_before_have_names_of_their_own
        c06_accounts_of_before_are_all_found
        c04_reactions_of_before_are_one_for_each_emoji
    }
    load {
        a_load_set_is_there_as_it_was_made
        a_load_set_collides_like_anything_else
    }
}
