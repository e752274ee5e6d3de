"""Makes one user a moderator of its rooms and another one an admin of the server, in the database of a server that is
stopped. Usage: promote.py DATABASE MODERATOR ADMIN"""

import sqlite3
import sys
import uuid

database, moderator, admin = sys.argv[1:]
with sqlite3.connect(database) as connection:
    changes = [
        ("UPDATE members SET role = 'moderator' WHERE user_id = ?", moderator),
        ("UPDATE users SET role = 'admin' WHERE id = ?", admin),
    ]
    for statement, user in changes:
        if connection.execute(statement, [uuid.UUID(user).bytes]).rowcount == 0:
            sys.exit(f"{user} is not there")
