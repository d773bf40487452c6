"""Why a value of an outside system is the stored one."""

import enum


class LiveReason(enum.StrEnum):
    NOT_CONNECTED = "NOT_CONNECTED"
    NOT_KNOWN_THERE = "NOT_KNOWN_THERE"
    TOO_MANY = "TOO_MANY"
    UNAUTHORIZED = "UNAUTHORIZED"
    RATE_LIMITED = "RATE_LIMITED"
    UNREACHABLE = "UNREACHABLE"
    BAD_PAYLOAD = "BAD_PAYLOAD"
    DEADLINE = "DEADLINE"
    BREAKER_OPEN = "BREAKER_OPEN"
    BUSY = "BUSY"
    FAILED = "FAILED"
