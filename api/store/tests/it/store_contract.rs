//! What every store promises. Each test is written once, against the traits, and runs on both backends under the
//! names `sqlite::…` and `mongo::…`; what only one backend has to show is in `mongo_only` and `sqlite_only`.

use crate::home::{Home, at_once};

mod accounts;
mod acts;
mod audit;
mod backend;
mod direct;
mod epochs;
mod erasures;
mod files;
mod jobs;
mod joining;
mod kept_answers;
mod leases;
mod load;
mod members;
mod mentions;
mod messages;
mod mongo_calls;
mod mongo_only;
mod notices;
mod old_store;
mod outbox;
mod pins;
mod places;
mod preferences;
mod purges;
mod pushes;
mod reports;
mod room_ends;
mod room_filters;
mod room_search;
mod rooms;
mod sanctions;
mod saved;
mod schedules;
mod search;
mod sessions;
mod sqlite_only;
mod threads;
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
        accounts_are_found_by_many_names
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
        open_sessions_tell_a_new_name
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
    room_ends {
        a_deleted_room_is_not_found
        the_last_one_takes_the_room_along
        a_room_expires_once
        nothing_is_left_of_a_room_that_is_erased
        moderators_are_named_by_who_owns_the_room_then
        a_room_is_handed_over_by_who_owns_it_then
        ranks_count_at_the_moment_of_the_act
        members_and_sanctions_are_listed
    }
    direct {
        a_room_begins_with_its_members
        direct_room_race
        a_block_changes_the_rights_in_the_direct_room
        blocks_of_pairs_are_found
    }
    joining {
        invites_of_rooms_are_found_as_they_were_written
        an_invite_lets_in_as_many_as_it_says
        invite_race
        invites_end_with_the_membership_of_who_made_them
        invites_of_members_hold_while_members_may_invite
        own_requests_are_listed_in_pages
        requests_wait_and_are_decided_once
        decision_race
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
    room_search {
        rooms_are_found_by_beginnings_most_members_first
        an_entry_takes_the_place_of_the_one_before
    }
    sanctions {
        what_is_over_is_found_and_ends_once
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
        every_kind_of_event_is_kept_whole
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
    mentions {
        mentions_come_newest_first_over_all_rooms
    }
    pins {
        a_pin_is_announced_once_and_taken_back
        pins_come_newest_first_in_pages
        a_room_never_has_more_pins_than_it_may
        a_deleted_message_is_pinned_no_more
    }
    pushes {
        a_device_has_one_subscription_whoever_is_logged_in
        the_newest_subscriptions_of_a_user_stay
        the_first_key_of_the_server_stays
        what_is_on_a_device_is_taken_back_once
    }
    saved {
        what_is_saved_comes_newest_first_in_pages
        a_message_is_saved_once_and_taken_back
        never_more_is_saved_than_may_be
    }
    threads {
        replies_are_counted_as_they_come_and_go
        replies_of_another_room_are_none
        threads_come_in_pages_over_epochs
        counts_of_replies_are_those_of_a_look_at_everything
        the_first_event_since_a_time_is_found
        messages_are_found_by_many_ids
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
        receipts_tell_how_far_members_have_read_and_since_when
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
        accounts_of_before_have_what_accounts_of_today_have
    }
    accounts {
        profiles_change_as_asked
        settings_change_one_by_one
        a_name_changes_once_in_a_while
        accounts_are_found_by_their_names
        the_last_admin_stays
        rank_race
        registrations_have_codes_and_tries
        names_are_kept_for_one
        links_work_once_and_the_newest_stay
        the_oldest_links_stay_where_nobody_may_push_them_out
        invites_are_used_no_oftener_than_they_may_be
        a_code_of_a_second_factor_works_once
        blocks_are_ones_own
        open_sessions_of_a_user_are_listed
    }
    erasures {
        an_erasure_begins_once_and_ends_logins
        the_last_admin_is_not_erased
        what_is_kept_about_an_account_goes
        addresses_are_free_again
        a_name_that_is_asked_for_is_waited_for
        events_lose_a_name_and_nothing_else
        copies_are_kept_in_pieces_and_go
    }
    audit {
        entries_are_found_newest_first
        settings_follow_each_other
    }
    purges {
        a_purge_hides_until_it_is_done
        discarded_messages_keep_their_places_alone
        what_is_too_old_goes_and_the_head_stays
        rooms_of_every_kind_are_listed_and_days_counted
    }
    reports {
        reports_are_found_as_they_were_written
        one_claim_of_a_report_wins_until_it_is_stale
        claim_race
    }
    preferences {
        preferences_change_as_asked_and_are_ones_own
        announcements_are_found_newest_first
    }
    notices {
        a_notice_is_made_once
        inboxes_come_in_pages_newest_first
        a_direct_room_has_one_notice_that_is_made_anew
        notices_are_read_up_to_one
        reading_a_room_clears_what_it_is_about
        inboxes_have_a_bound_and_an_end
        notices_go_with_their_people
        blocks_are_found_from_both_sides
    }
    room_filters {
        a_filter_has_versions
    }
    jobs {
        jobs_are_found_by_their_keys
        a_job_is_added_once
        what_is_due_longest_is_leased_first
        a_job_has_one_holder
        a_lease_that_ends_passes_on
        what_is_done_is_known_for_a_while
        what_fails_comes_again_or_is_dead_and_can_be_repeated
        jobs_come_in_pages_and_are_counted
        jobs_go_with_their_account
    }
    search {
        texts_wait_for_the_index_until_they_are_in_it
        what_waits_may_be_looked_at_later
        terms_are_found_newest_first_in_the_rooms_asked_for
        pages_of_a_term_have_every_message_once
        an_older_text_replaces_no_newer_one
        what_is_deleted_is_deleted_for_ever
        messages_are_read_with_what_was_done_to_them
        all_histories_are_read_stretch_by_stretch
        a_building_is_replaced_by_another
        a_room_is_forgotten
    }
    schedules {
        a_schedule_is_found_as_it_was_written
        a_user_has_no_more_than_the_bound
        schedules_come_in_pages
        what_waits_may_be_changed_and_removed
        a_schedule_has_one_holder
        a_schedule_is_settled_by_its_holder
        doubtful_ones_stay_as_they_are
        what_is_over_is_forgotten
        schedules_go_with_their_owner_and_their_room
        claim_and_change_race
    }
    files {
        a_file_is_found_as_it_was_written
        a_user_has_no_more_than_the_quota
        files_are_claimed_all_or_none
        file_claim_race
        a_try_gives_back_what_it_holds_alone
        what_is_released_may_be_claimed_again
        what_is_due_is_found_first_things_first
        files_go_with_what_they_belong_to
    }
    leases {
        a_lease_has_one_holder
        lease_race
    }
    kept_answers {
        a_key_has_one_holder_and_then_its_answer
        a_key_passes_on_when_its_holder_gives_it_up_or_is_gone
        a_holder_that_goes_on_keeps_its_key
        key_race
        keys_have_a_bound_and_an_end
    }
    load {
        a_load_set_is_there_as_it_was_made
        a_load_set_collides_like_anything_else
    }
}
