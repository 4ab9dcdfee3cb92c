"""Sessions that stay open, by the libpq of the distribution: many threads may wait for the server, each in a session of its own."""

import ctypes
import ctypes.util
import os

LIBPQ = ctypes.CDLL(ctypes.util.find_library("pq") or "libpq.so.5")
for name, result, arguments in [
    ("PQconnectdb", ctypes.c_void_p, [ctypes.c_char_p]), ("PQstatus", ctypes.c_int, [ctypes.c_void_p]),
    ("PQerrorMessage", ctypes.c_char_p, [ctypes.c_void_p]), ("PQfinish", None, [ctypes.c_void_p]),
    ("PQexec", ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_char_p]), ("PQresultStatus", ctypes.c_int, [ctypes.c_void_p]),
    ("PQresultErrorField", ctypes.c_char_p, [ctypes.c_void_p, ctypes.c_int]), ("PQclear", None, [ctypes.c_void_p]),
    ("PQntuples", ctypes.c_int, [ctypes.c_void_p]), ("PQnfields", ctypes.c_int, [ctypes.c_void_p]),
    ("PQgetvalue", ctypes.c_char_p, [ctypes.c_void_p, ctypes.c_int, ctypes.c_int]),
    ("PQgetisnull", ctypes.c_int, [ctypes.c_void_p, ctypes.c_int, ctypes.c_int]),
]:
    function = getattr(LIBPQ, name)
    function.restype, function.argtypes = result, arguments


class Failure(Exception):
    """An error of the server; `state` is its SQLSTATE, empty where the connection broke."""

    def __init__(self, state, message):
        super().__init__(f"{state}: {message}")
        self.state, self.message = state, message


class Session:
    def __init__(self, user=None, settings=""):
        options = f"user={user or os.environ['PGUSER']} dbname={os.environ['PGDATABASE']} options='{settings}'"
        self.connection = LIBPQ.PQconnectdb(options.encode())
        if LIBPQ.PQstatus(self.connection) != 0:
            message = LIBPQ.PQerrorMessage(self.connection).decode(errors="replace").strip()
            self.close()
            raise Failure("", message)

    def query(self, text):
        """Runs SQL; returns the rows of its last statement, as texts."""
        result = LIBPQ.PQexec(self.connection, text.encode())
        try:
            # PGRES_EMPTY_QUERY, PGRES_COMMAND_OK, PGRES_TUPLES_OK
            if not result or LIBPQ.PQresultStatus(result) not in (0, 1, 2):
                state = LIBPQ.PQresultErrorField(result, ord("C")) if result else None
                told = LIBPQ.PQresultErrorField(result, ord("M")) if result else None
                raise Failure(
                    (state or b"").decode(), (told or LIBPQ.PQerrorMessage(self.connection)).decode(errors="replace").strip())
            columns = range(LIBPQ.PQnfields(result))
            return [
                [None if LIBPQ.PQgetisnull(result, row, column) else LIBPQ.PQgetvalue(result, row, column).decode() for column in columns]
                for row in range(LIBPQ.PQntuples(result))]
        finally:
            if result:
                LIBPQ.PQclear(result)

    def close(self):
        if self.connection:
            LIBPQ.PQfinish(self.connection)
        self.connection = None
