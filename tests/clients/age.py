"""Makes what was said in a room so far older, as if time had passed.

Usage: age.py DAYS ROOM sqlite FILE, of a process that does not run; age.py DAYS ROOM mongo ADDRESS DATABASE.
"""

import datetime
import sqlite3
import sys
import uuid

DAYS, ROOM = int(sys.argv[1]), uuid.UUID(sys.argv[2])


def sqlite(path):
    with sqlite3.connect(path) as database:
        # With the time, the lease of the process that was here has passed, too.
        database.execute("UPDATE leases SET until = until - ?", (DAYS * 86_400_000,))
        statement = "UPDATE messages SET timestamp = timestamp - ? WHERE room_id = ?"
        return database.execute(statement, (DAYS * 86_400_000, ROOM.bytes)).rowcount


def mongo(address, name):
    import bson
    import pymongo

    messages = pymongo.MongoClient(address)[name]["messages"]
    of_room = {"room_id": bson.Binary(ROOM.bytes, 4)}
    changed = 0
    for message in messages.find(of_room):
        older = message["timestamp"] - datetime.timedelta(days=DAYS)
        changed += messages.update_one({"_id": message["_id"]}, {"$set": {"timestamp": older}}).modified_count
    return changed


print(sqlite(*sys.argv[4:]) if sys.argv[3] == "sqlite" else mongo(*sys.argv[4:]))
