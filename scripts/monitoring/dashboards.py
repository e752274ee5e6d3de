"""The dashboards: what is on them, from which figures. Everything else about their JSON is the same for all panels."""

import json

# How a panel shows its numbers.
COUNT, RATE, SECONDS, BYTES, SHARE = "short", "cps", "s", "bytes", "percentunit"


class Panel:
    """One graph. `empty` says why a live cluster under ordinary load may have nothing to show."""

    def __init__(self, title, unit, *queries, about="", empty="", kind="timeseries"):
        self.title, self.unit, self.about, self.empty, self.kind = title, unit, about, empty, kind
        self.queries = [query if isinstance(query, tuple) else (query, "") for query in queries]


class Dashboard:
    """A page of rows; each row has a title and its panels."""

    def __init__(self, name, title, about, rows):
        self.name, self.title, self.about, self.rows = name, title, about, rows

    def panels(self):
        return [panel for _, panels in self.rows for panel in panels]


def rate(metric, by="", where=""):
    return f"sum{f' by ({by})' if by else ''} (rate({metric}{where}[$__rate_interval]))"


def quantiles(metric, where=""):
    def one(share):
        buckets = f"sum by (le) (rate({metric}_bucket{where}[$__rate_interval]))"
        return f"histogram_quantile({share}, {buckets})"

    return [(one(0.5), "median"), (one(0.99), "p99")]


SENDS = 'sum(rate(rookery_gateway_frames_in_total{type="message"}[$__rate_interval]))'
OUR_FAULT = '{code=~"unavailable|overloaded|internal"}'

OVERVIEW = Dashboard("overview", "Rookery: is it well?", "The promises of the service, and what would break them.", [
    ("Promises", [
        Panel("Processes that answer", COUNT, ("sum by (job) (up)", "{{job}}"), kind="stat"),
        Panel("Delivery: number to heard", SECONDS, *quantiles("rookery_gateway_relay_seconds")),
        Panel("Ack: number to stored and told", SECONDS, *quantiles("rookery_gateway_ack_seconds")),
        Panel("Messages that we failed to take", SHARE,
              f"sum(rate(rookery_gateway_errors_total{OUR_FAULT}[$__rate_interval])) / {SENDS}"),
        Panel("REST answers that are our fault", SHARE,
              '(sum(rate(rookery_api_requests_total{status="5xx"}[$__rate_interval])) or vector(0))'
              " / sum(rate(rookery_api_requests_total[$__rate_interval]))"),
    ]),
    ("How much", [
        Panel("Connections", COUNT, ("sum by (instance) (rookery_gateway_connections)", "{{instance}}")),
        Panel("Messages in", RATE, SENDS),
        Panel("Deliveries", RATE, rate("rookery_gateway_deliveries_total")),
        Panel("Events stored", RATE, rate("rookery_api_ingested_total")),
    ]),
    ("What may be wrong", [
        Panel("Failed calls to other parts", RATE, (rate("rookery_gateway_failures_total", "part"), "{{part}}")),
        Panel("Sequence gaps and their repairs", RATE, (rate("rookery_gateway_holes_total"), "holes"),
              (rate("rookery_gateway_repairs_total"), "repairs"), (rate("rookery_gateway_gaps_total"), "told to clients")),
        Panel("Log lines", RATE, (rate("rookery_log_lines_total", "level"), "{{level}}")),
        Panel("Refusals by a bound", RATE, (rate("rookery_gateway_limited_total", "limit"), "{{limit}}")),
    ]),
])

DELIVERY = Dashboard("delivery", "Rookery: a message's way", "Rows in the order in which a message flows.", [
    ("1 Frames come in", [
        Panel("Frames by type", RATE, (rate("rookery_gateway_frames_in_total", "type"), "{{type}}")),
        Panel("Error frames by code", RATE, (rate("rookery_gateway_errors_total", "code"), "{{code}}")),
        Panel("Too much of one connection", RATE, (rate("rookery_gateway_sheds_total", "reason"), "{{reason}}")),
    ]),
    ("2 A number in the room", [
        Panel("Frame to number", SECONDS, *quantiles("rookery_gateway_append_seconds")),
        Panel("Scripts on Redis", SECONDS, *quantiles("rookery_redis_call_seconds")),
        Panel("Failed scripts", RATE, rate("rookery_redis_failures_total")),
    ]),
    ("3 To every gateway", [
        Panel("Events heard", RATE, (rate("rookery_gateway_events_total", "instance"), "{{instance}}")),
        Panel("Number to heard", SECONDS, *quantiles("rookery_gateway_relay_seconds"),
              about="By the clocks of Redis and of the gateway: keep them in step."),
        Panel("Holes, repairs, gaps", RATE, (rate("rookery_gateway_holes_total"), "holes"),
              (rate("rookery_gateway_repairs_total"), "repairs"), (rate("rookery_gateway_gaps_total"), "gaps")),
    ]),
    ("4 To every subscriber", [
        Panel("Heard to written", SECONDS, *quantiles("rookery_gateway_write_seconds")),
        Panel("Deliveries", RATE, rate("rookery_gateway_deliveries_total")),
        Panel("Frames in one write", COUNT,
              f"{rate('rookery_gateway_frames_written_total')} / {rate('rookery_gateway_writes_total')}"),
        Panel("Who reads slowly", RATE, (rate("rookery_gateway_behind_total"), "behind"),
              (rate("rookery_gateway_send_queue_overflows_total"), "closed")),
    ]),
    ("5 Into the store", [
        Panel("Number to stored", SECONDS, *quantiles("rookery_api_ingest_seconds")),
        Panel("The store's part", SECONDS, *quantiles("rookery_api_ingest_store_seconds")),
        Panel("Events stored", RATE, rate("rookery_api_ingested_total")),
    ]),
    ("6 Back to the sender", [
        Panel("Number to ack", SECONDS, *quantiles("rookery_gateway_ack_seconds")),
        Panel("Acks that wait", COUNT, ("sum by (instance) (rookery_gateway_acks_pending)", "{{instance}}")),
    ]),
])

GATEWAYS = Dashboard("gateways", "Rookery: gateways", "Connections, and what each gateway does for them.", [
    ("Connections", [
        Panel("Open", COUNT, ("sum by (instance) (rookery_gateway_connections)", "{{instance}}"),
              ("sum(rookery_gateway_background_connections)", "in the background")),
        Panel("Coming and going", RATE, (rate("rookery_gateway_upgrades_total"), "upgrades"),
              (rate("rookery_gateway_logins_total"), "logins")),
        Panel("Ends by reason", RATE, (rate("rookery_gateway_closes_total", "reason"), "{{reason}}")),
        Panel("Refused upgrades", RATE, (rate("rookery_gateway_upgrades_refused_total", "status"), "{{status}}"),
              empty="nobody is refused"),
        Panel("How clients come back", RATE, (rate("rookery_gateway_resumes_total", "outcome"), "{{outcome}}")),
    ]),
    ("Rooms", [
        Panel("Rooms listened to", COUNT, ("sum by (instance) (rookery_gateway_rooms)", "{{instance}}")),
        Panel("Gathered writes of busy rooms", RATE, rate("rookery_gateway_room_ticks_total")),
        Panel("Suspicions, resets, strays", RATE, (rate("rookery_gateway_bus_suspects_total"), "suspicions"),
              (rate("rookery_gateway_resets_total"), "resets"), (rate("rookery_gateway_strays_total"), "strays")),
    ]),
    ("Send queues", [
        Panel("Bytes that wait", BYTES, ("sum by (instance) (rookery_gateway_send_queue_bytes)", "{{instance}}")),
        Panel("Queues that wait", COUNT, ("sum by (instance) (rookery_gateway_send_queues_waiting)", "{{instance}}")),
    ]),
    ("Presence", [
        Panel("Users online", COUNT, ("sum by (instance) (rookery_gateway_presence_users)", "{{instance}}")),
        Panel("Written", RATE, (rate("rookery_gateway_presence_writes_total", "kind"), "{{kind}}")),
        Panel("Told", RATE, rate("rookery_gateway_presence_told_total")),
    ]),
    ("Process", [
        Panel("Threads at work", SHARE,
              ("sum by (instance) (rate(rookery_runtime_busy_seconds_total[$__rate_interval]))"
               " / sum by (instance) (rookery_runtime_workers)", "{{instance}}")),
        Panel("Tasks that wait for a thread", COUNT,
              ("sum by (instance) (rookery_runtime_queued_tasks)", "{{instance}}")),
        Panel("Memory", BYTES, ("sum by (instance) (process_resident_memory_bytes)", "{{instance}}")),
    ]),
])

API = Dashboard("api", "Rookery: api and ingest", "Requests, and what becomes of logs in the store.", [
    ("Requests", [
        Panel("By status", RATE, (rate("rookery_api_requests_total", "status"), "{{status}}")),
        Panel("Time to the answer", SECONDS, *quantiles("rookery_api_request_seconds")),
        Panel("Slowest routes (p99)", SECONDS,
              ("topk(5, histogram_quantile(0.99, sum by (le, route)"
               " (rate(rookery_api_request_seconds_bucket[$__rate_interval]))))", "{{route}}")),
        Panel("Being answered", COUNT, ("sum by (instance) (rookery_api_requests_in_flight)", "{{instance}}")),
        Panel("Refusals by a bound", RATE, (rate("rookery_api_limited_total", "limit"), "{{limit}}"),
              empty="nobody reaches a bound"),
        Panel("Passwords that wait", COUNT, ("sum by (instance) (rookery_api_passwords_waiting)", "{{instance}}")),
    ]),
    ("Ingest", [
        Panel("Number to stored", SECONDS, *quantiles("rookery_api_ingest_seconds")),
        Panel("Events stored", RATE, (rate("rookery_api_ingested_total", "instance"), "{{instance}}")),
        Panel("Partitions by process", COUNT, ("sum by (instance) (rookery_api_ingest_partitions)", "{{instance}}")),
        Panel("Trouble", RATE, (rate("rookery_api_ingest_failures_total"), "failures"),
              (rate("rookery_api_ingest_leases_lost_total"), "leases lost"),
              (rate("rookery_api_ingest_discarded_total"), "discarded")),
    ]),
    ("History and announcements", [
        Panel("History pages", RATE, (rate("rookery_api_history_reads_total"), "read"),
              (rate("rookery_api_history_refused_total"), "refused"),
              (rate("rookery_api_history_without_bus_total"), "without Redis")),
        Panel("Announcements that wait", COUNT, "sum(rookery_api_announcements_pending)"),
        Panel("Sends that wait to be stored", COUNT, "sum(rookery_api_stored_waits)"),
    ]),
    ("Search and messages for later", [
        Panel("Index: how far behind", SECONDS, "max(rookery_api_search_lag_seconds)"),
        Panel("Index: events taken in", RATE, (rate("rookery_api_search_indexed_total", "instance"), "{{instance}}"),
              (rate("rookery_api_search_failures_total"), "failures")),
        Panel("Index: older events left", COUNT, "max(rookery_api_search_unbuilt)"),
        Panel("Searches", SECONDS, *quantiles("rookery_api_search_seconds"), empty="nobody searches"),
        Panel("Messages for later", RATE, (rate("rookery_api_schedules_total", "result"), "{{result}}")),
        Panel("Messages for later: how late", SECONDS, *quantiles("rookery_api_schedule_late_seconds"),
              empty="nothing is sent later"),
    ]),
    ("Moderation and retention", [
        Panel("Reports that wait", COUNT, ("max by (status) (rookery_api_reports_waiting)", "{{status}}")),
        Panel("Reports taken in", RATE, (rate("rookery_api_reports_total", "reason"), "{{reason}}"),
              empty="nobody has reported a message"),
        Panel("Reports decided", RATE, (rate("rookery_api_reports_resolved_total", "action"), "{{action}}"),
              empty="nothing was decided"),
        Panel("Purges", RATE, (rate("rookery_api_purges_total"), "begun"),
              (rate("rookery_api_purged_messages_total"), "messages erased")),
        Panel("Retention", RATE, (rate("rookery_api_retention_erased_total"), "events erased"),
              (rate("rookery_api_retention_failures_total"), "failures")),
    ]),
    ("Files", [
        Panel("Uploads", RATE, (rate("rookery_api_uploads_total", "result"), "{{result}}")),
        Panel("Uploaded bytes", RATE, (rate("rookery_api_uploaded_bytes_total", "instance"), "{{instance}}")),
        Panel("Files given out", RATE, (rate("rookery_api_downloads_total", "variant"), "{{variant}}")),
        Panel("Files erased", RATE, (rate("rookery_api_files_erased_total", "instance"), "{{instance}}")),
    ]),
    ("Jobs, mail, pushes and pictures", [
        Panel("Jobs that wait", COUNT, ("max(rookery_api_jobs_open)", "open"), ("max(rookery_api_jobs_dead)", "dead")),
        Panel("Tries of jobs", RATE, ("sum by (kind, result) (rate(rookery_api_jobs_total[$__rate_interval]))",
                                      "{{kind}} {{result}}")),
        Panel("Pushes", RATE, (rate("rookery_api_pushes_total", "result"), "{{result}}")),
        Panel("Pictures", RATE, (rate("rookery_api_pictures_total", "result"), "{{result}}")),
        Panel("Object store without an answer", RATE, (rate("rookery_api_object_failures_total", "instance"), "{{instance}}")),
    ]),
])

STORES = Dashboard("stores", "Rookery: Redis and MongoDB", "Both as our processes see them.", [
    ("Redis", [
        Panel("Scripts: how long", SECONDS, *quantiles("rookery_redis_call_seconds")),
        Panel("Scripts: how many", RATE, ("sum by (instance) (rate(rookery_redis_call_seconds_count[$__rate_interval]))",
                                           "{{instance}}")),
        Panel("Without an answer", RATE, (rate("rookery_redis_failures_total", "instance"), "{{instance}}")),
        Panel("Connections made", RATE, (rate("rookery_redis_connects_total", "instance"), "{{instance}}")),
        Panel("Memory", BYTES, ("max(rookery_redis_used_memory_bytes)", "used"),
              ("max(rookery_redis_max_memory_bytes)", "maxmemory")),
        Panel("Rooms rebuilt and new epochs", RATE, (rate("rookery_api_rooms_opened_total"), "rooms"),
              (rate("rookery_api_epochs_allocated_total"), "epochs")),
    ]),
    ("MongoDB", [
        Panel("Calls: how long", SECONDS, *quantiles("rookery_mongo_call_seconds")),
        Panel("Calls: how many", RATE, rate("rookery_mongo_call_seconds_count")),
        Panel("Calls under way", COUNT, ("sum by (instance) (rookery_mongo_calls_in_flight)", "{{instance}}")),
        Panel("Without an answer", RATE, rate("rookery_mongo_failures_total")),
    ]),
])

CAPACITY = Dashboard("capacity", "Rookery: capacity", "How much is left, see docs/capacity.md.", [
    ("Processors and memory", [
        Panel("Processors used", COUNT, ("sum by (job) (rate(process_cpu_seconds_total[$__rate_interval]))", "{{job}}")),
        Panel("Of a gateway's processors for each delivery", SECONDS,
              'sum(rate(process_cpu_seconds_total{job="rookery-gateway"}[$__rate_interval]))'
              f" / {rate('rookery_gateway_deliveries_total')}"),
        Panel("Memory of a gateway for each connection", BYTES,
              'sum(process_resident_memory_bytes{job="rookery-gateway"}) / sum(rookery_gateway_connections)'),
        Panel("Memory", BYTES, ("sum by (job) (process_resident_memory_bytes)", "{{job}}")),
    ]),
    ("Bounds", [
        Panel("Open files", SHARE, ("max by (job) (process_open_fds / process_max_fds)", "{{job}}")),
        Panel("Threads at work", SHARE,
              ("max by (job) (sum by (job, instance) (rate(rookery_runtime_busy_seconds_total[$__rate_interval]))"
               " / sum by (job, instance) (rookery_runtime_workers))", "{{job}}")),
        Panel("Redis memory", SHARE, "max(rookery_redis_used_memory_bytes) / (max(rookery_redis_max_memory_bytes) > 0)",
              empty="no maxmemory is set"),
        Panel("Free disk", SHARE, ("rookery_disk_free_bytes / rookery_disk_size_bytes", "{{instance}}"),
              about="Of one process with its own database; the disks of Redis and MongoDB are for their exporters.",
              empty="only `rookery` has a folder of data"),
        Panel("Days until a certificate ends", "d",
              ("min by (instance, setting) (rookery_certificate_expiry_timestamp_seconds - time()) / 86400",
               "{{instance}} {{setting}}"), empty="no process speaks TLS"),
        Panel("Traces", RATE, (rate("rookery_trace_spans_total", "outcome"), "{{outcome}}")),
    ]),
])

ALL = [OVERVIEW, DELIVERY, GATEWAYS, API, STORES, CAPACITY]

DATA_SOURCE = {"type": "prometheus", "uid": "${source}"}


def as_json(dashboard):
    """What Grafana reads."""
    panels, top = [], 0
    for title, row in dashboard.rows:
        panels.append({"id": len(panels) + 1, "type": "row", "title": title, "collapsed": False, "panels": [],
                       "gridPos": {"h": 1, "w": 24, "x": 0, "y": top}})
        top += 1
        for place, panel in enumerate(row):
            # Three in a line.
            line, column = divmod(place, 3)
            panels.append(panel_json(panel, len(panels) + 1, {"h": 8, "w": 8, "x": column * 8, "y": top + line * 8}))
        top += 8 * -(-len(row) // 3)
    return {
        "uid": f"rookery-{dashboard.name}",
        "title": dashboard.title,
        "description": dashboard.about,
        "tags": ["rookery"],
        "schemaVersion": 39,
        "editable": False,
        "refresh": "30s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": [{"name": "source", "label": "Data source", "type": "datasource", "query": "prometheus"}]},
        "links": [{"type": "dashboards", "tags": ["rookery"], "title": "Rookery", "asDropdown": True}],
        "panels": panels,
    }


def panel_json(panel, number, place):
    targets = [{"refId": chr(ord("A") + i), "expr": query, "legendFormat": legend, "datasource": DATA_SOURCE}
               for i, (query, legend) in enumerate(panel.queries)]
    found = {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "datasource": DATA_SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": targets,
    }
    if panel.about:
        found["description"] = panel.about
    return found


def text(dashboard):
    return json.dumps(as_json(dashboard), indent=2) + "\n"
