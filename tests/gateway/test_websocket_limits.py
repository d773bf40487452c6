"""What one socket, one caller or one slow client may take, and how sockets end with the process."""

import asyncio
import contextlib
import json
import resource
import socket as sockets
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed, InvalidStatus

from domain.actor import Role
from events.sink import Ended
from gateway.connections import StreamOptions
from gateway.pipe import Bounds
from gateway.websocket_messages import Code
from tests.gateway.streaming import SUBSCRIBE, Stand, standing, token, until

BIG = {"x": "x" * 60_000}


async def test_more_operations_than_a_socket_may_have_are_refused_one_by_one() -> None:
    async with standing(StreamOptions(operations_per_socket=2)) as stand, stand.acknowledged() as socket:
        await socket.subscribe("1")
        await socket.subscribe("2")
        await socket.subscribe("3")
        told = await socket.receive()
        assert (told["id"], told["payload"][0]["extensions"]["code"]) == ("3", "SUBSCRIPTION_MAX_LIMIT")
        assert len(stand.streams.started) == 2
        await socket.send({"type": "complete", "id": "1"})
        await socket.subscribe("3")
        (await stand.streams.running(2)).push({"n": 1})
        assert (await socket.receive())["type"] == "next"


async def test_more_messages_than_a_minute_may_have_close_the_socket() -> None:
    async with standing(StreamOptions(messages_per_minute=10)) as stand, stand.acknowledged() as socket:
        for _ in range(9):
            await socket.send({"type": "pong"})
        await socket.send({"type": "pong"})
        assert await socket.close() == (1013, "More than 10 messages per minute")


async def test_more_sockets_than_a_caller_may_have_are_closed() -> None:
    options = StreamOptions(connections_per_caller=1, connections_per_staff=2)
    ann, bob = token(Role.CUSTOMER, customer_id="ann"), token(Role.CUSTOMER, customer_id="bob")
    async with standing(options) as stand:
        async with stand.acknowledged({"authToken": ann}), stand.acknowledged({"authToken": bob}):
            async with stand.socket() as third:
                await third.send({"type": "connection_init", "payload": {"authToken": ann}})
                assert await third.close() == (1013, "Try again later")
            async with stand.acknowledged({"authToken": token()}), stand.acknowledged({"authToken": token()}):
                pass
        await until(lambda: not stand.connections.callers)
        async with stand.acknowledged({"authToken": ann}) as socket:
            await socket.alive()


async def test_more_sockets_than_there_may_be_are_refused_before_they_open() -> None:
    async with standing(StreamOptions(connections=1)) as stand, stand.acknowledged():
        with pytest.raises(InvalidStatus) as refused:
            async with stand.socket():
                pass
        assert refused.value.response.status_code == 503
        assert refused.value.response.headers["retry-after"] == "5"


async def test_the_server_pings_and_any_message_is_an_answer() -> None:
    async with standing(StreamOptions(ping_seconds=0.4)) as stand, stand.acknowledged() as socket:
        for _ in range(4):
            assert await socket.receive() == {"type": "ping"}
            await socket.send({"type": "pong"})
        await socket.send({"type": "complete", "id": "x"})


async def test_a_client_that_answers_no_ping_is_closed_after_two() -> None:
    async with standing(StreamOptions(ping_seconds=0.5)) as stand, stand.acknowledged() as socket:
        await socket.subscribe()
        running = await stand.streams.running()
        began = time.monotonic()
        heard: list[str] = []
        with contextlib.suppress(ConnectionClosed):
            while True:
                heard.append((await socket.receive())["type"])
        assert (socket.opened.close_code, socket.opened.close_reason) == (Code.PING_TIMEOUT, "Ping timeout")
        assert set(heard) == {"ping"}
        assert 0.9 <= time.monotonic() - began < 2.5
        assert running.closes == 1


async def test_a_half_open_client_is_dropped_although_it_never_answers_the_close() -> None:
    """Its kernel acknowledges, nobody reads."""
    options = StreamOptions(ping_seconds=0.3, close_seconds=0.5)
    async with standing(options) as stand, stand.acknowledged() as socket:
        await socket.subscribe()
        running = await stand.streams.running()
        socket.opened.transport.pause_reading()
        await asyncio.wait_for(running.closed.wait(), 3)
        await until(lambda: not stand.connections.streams and not uvicorn_connections(stand), 3)
        socket.opened.transport.abort()
    assert running.closes == 1


def uvicorn_connections(stand: Stand) -> set[Any]:
    return {one for one in stand.server.server_state.connections if type(one).__name__.startswith("WebSockets")}


async def test_a_stalled_reader_is_bounded_and_delays_nobody() -> None:
    """Nothing is read, so that the buffers of both kernels fill up, then that of the server, then our queue."""
    options = StreamOptions(bounds=Bounds(stalled_seconds=0.5), close_seconds=0.5)
    async with standing(options) as stand, stand.acknowledged() as healthy, stand.acknowledged() as stalled:
        stalled.opened.transport.pause_reading()
        await stalled.subscribe("1")
        slow = await stand.streams.running(0)
        await healthy.subscribe("1")
        fast = await stand.streams.running(1)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        pushed = 0
        while slow.push(BIG):
            pushed += 1
            assert pushed < 1000
        taken = pushed
        began = time.monotonic()
        for number in range(50):
            slow.push(BIG)
            fast.push({"n": number})
            assert (await healthy.receive())["payload"]["data"] == {"n": number}
        assert time.monotonic() - began < 1
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 30_000
        assert taken > 1024 * 1024 / 60_000
        with pytest.raises(TimeoutError):
            await slow.sink.drained()
        slow.end(Ended.SLOW, "abc")
        await until(lambda: len(stand.connections.streams) == 1, 3)
        assert stand.closed == {("websocket", "4509"): 1}
        await healthy.alive()
        assert slow.closes == 0
        stalled.opened.transport.abort()


async def test_a_slow_reader_gets_everything_in_order_once_it_reads_again() -> None:
    options = StreamOptions(bounds=Bounds(queued_bytes=500_000))
    async with standing(options) as stand, stand.acknowledged() as socket:
        await socket.subscribe()
        running = await stand.streams.running()
        socket.opened.transport.pause_reading()
        pushed = 0
        while running.push({"n": pushed, **BIG}):
            pushed += 1
        pushed += 1
        waits = asyncio.ensure_future(running.sink.drained())
        await asyncio.sleep(0.05)
        assert not waits.done()
        assert stand.connections.streams.copy().pop().pipe.lagging
        socket.opened.transport.resume_reading()
        for number in range(pushed):
            assert (await socket.receive())["payload"]["data"]["n"] == number
            if waits.done() and number % 7 == 0:
                # Pushed while what lagged is still on its way: must not overtake.
                running.push({"n": pushed})
                pushed += 1
        await asyncio.wait_for(waits, 1)
        running.end()
        while (told := await socket.receive())["type"] == "next":
            pass
        assert told["type"] == "complete"


@pytest.mark.parametrize(
    ("reason", "end"),
    [(Ended.SHUTDOWN, (1012, "Service Restart")), (Ended.TOKEN_EXPIRED, (4403, "Forbidden: token expired"))],
)
async def test_an_end_that_drops_what_waits_names_no_cursor_past_it(reason: Ended, end: tuple[int, str]) -> None:
    options = StreamOptions(bounds=Bounds(queued_bytes=200_000), restart_jitter_seconds=0.1)
    async with standing(options) as stand, stand.acknowledged() as socket:
        await socket.subscribe()
        running = await stand.streams.running()
        socket.opened.transport.pause_reading()
        pushed = 0
        while running.push({"n": pushed, **BIG}):
            pushed += 1
        running.end(reason, "the cursor of the last")
        await until(lambda: stand.connections.streams.copy().pop().pipe.closed)
        socket.opened.transport.resume_reading()
        received = 0
        with contextlib.suppress(ConnectionClosed):
            while True:
                await socket.receive()
                received += 1
        assert received < pushed
        assert (socket.opened.close_code, socket.opened.close_reason) == end


async def test_a_reader_that_stalls_with_little_waiting_is_closed_too() -> None:
    """It answers pings by itself, as some proxies do for their clients, and takes nothing."""
    options = StreamOptions(bounds=Bounds(queued_bytes=10_000_000, stalled_seconds=0.6), ping_seconds=0.4)
    async with standing(options) as stand, stand.acknowledged() as socket:
        await socket.subscribe()
        running = await stand.streams.running()
        socket.opened.transport.pause_reading()
        pipe = stand.connections.streams.copy().pop().pipe
        while not pipe.lagging:
            assert running.push(BIG)
        running.push({"n": 1})

        async def answering() -> None:
            while True:
                await socket.send({"type": "pong"})
                await asyncio.sleep(0.1)

        pongs = asyncio.create_task(answering())
        await until(lambda: stand.connections.closed or pipe.closed, 5)
        pongs.cancel()
        await until(lambda: stand.connections.closed, 8)
        assert stand.closed == {("websocket", "4509"): 1}


async def test_a_slow_reader_that_completes_gets_nothing_more_of_what_waited() -> None:
    async with standing() as stand, stand.acknowledged() as socket:
        await socket.subscribe("1")
        await socket.subscribe("2")
        first, second = await stand.streams.running(0), await stand.streams.running(1)
        socket.opened.transport.pause_reading()
        pipe = stand.connections.streams.copy().pop().pipe
        while not pipe.queue:
            first.push(BIG)
        await socket.send({"type": "complete", "id": "1"})
        await asyncio.wait_for(first.closed.wait(), 1)
        for number in range(3):
            second.push({"n": number})
        socket.opened.transport.resume_reading()
        heard: list[tuple[str, int | None]] = []
        while not heard or heard[-1] != ("2", 2):
            message = await socket.receive()
            heard.append((message["id"], message["payload"]["data"].get("n")))
        assert [identifier for identifier, _ in heard[-3:]] == ["2", "2", "2"]
        assert len([one for one in heard if one[0] == "1"]) <= pipe.sent - 4


async def test_the_process_ends_sockets_in_waves_with_1012() -> None:
    async with standing() as stand, contextlib.AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(stand.acknowledged()) for _ in range(10)]
        await opened[0].subscribe()
        running = await stand.streams.running()
        drain = asyncio.ensure_future(stand.connections.drain(1.0))
        ends = [await socket.close() for socket in opened]
        assert ends == [(1012, "Service Restart")] * 10
        await drain
        assert running.closes == 1
        assert not stand.connections.streams
        with pytest.raises(InvalidStatus) as refused:
            async with stand.socket():
                pass
        assert refused.value.response.status_code == 503


async def test_the_waves_are_spread_over_the_time_for_draining() -> None:
    options = StreamOptions(connections_per_caller=16)
    async with standing(options) as stand, contextlib.AsyncExitStack() as stack:
        for _ in range(16):
            await stack.enter_async_context(stand.acknowledged())
        drain = asyncio.ensure_future(stand.connections.drain(1.0))
        open_still = set()
        while not drain.done():
            open_still.add(len(stand.connections.streams))
            await asyncio.sleep(0.01)
        await drain
    # Eight waves of two; some may be seen while they go.
    assert len(open_still & set(range(2, 16))) >= 4


async def test_the_hubs_shutdown_closes_after_the_checkpoint() -> None:
    async with standing(StreamOptions(restart_jitter_seconds=0.1)) as stand, stand.acknowledged() as socket:
        await socket.subscribe()
        running = await stand.streams.running()
        running.push({"checkpoint": 1}, "abc")
        running.end(Ended.SHUTDOWN, "abc")
        assert (await socket.receive())["type"] == "next"
        assert await socket.close() == (1012, "Service Restart cursor=abc")


async def test_metrics_tell_what_is_open_and_how_the_rest_ended() -> None:
    async with standing() as stand:
        stand.endpoint.http.metrics.registry.register(stand.connections)
        async with stand.acknowledged() as socket:
            await socket.subscribe()
            (await stand.streams.running()).push({"n": 1})
            await socket.receive()
            shown = stand.endpoint.http.metrics.exposition().decode()
            assert 'ordergraph_connections{transport="websocket"} 1.0' in shown
            assert 'ordergraph_messages_sent_total{transport="websocket"} 2.0' in shown
            await socket.send("?")
            await socket.close()
        shown = stand.endpoint.http.metrics.exposition().decode()
        assert 'ordergraph_connections{transport="websocket"} 0.0' in shown
        assert 'ordergraph_connections_closed_total{code="4400",transport="websocket"} 1.0' in shown
        assert 'ordergraph_operations_total{kind="subscription",outcome="OK",transport="websocket"} 1.0' in shown


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
TYPES = st.sampled_from(["connection_init", "subscribe", "complete", "ping", "pong", "next", "start"])
MESSAGES = st.fixed_dictionaries(
    {"type": TYPES | JSON},
    optional={
        "id": st.sampled_from(["1", "2", ""]) | JSON,
        "payload": JSON
        | st.fixed_dictionaries(
            {"query": st.sampled_from([SUBSCRIBE, "{a}"]) | JSON},
            optional={"variables": JSON, "operationName": JSON, "extensions": JSON},
        ),
    },
)


# The server beside it, in the same process, spreads its pauses by the same `random`; the strategies use none.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module:hypothesis.errors.HypothesisDeprecationWarning")
async def test_no_message_breaks_the_server_or_another_operation() -> None:
    """Each message alone is one the protocol knows, or it closes its own socket with a code that says why."""
    async with standing(StreamOptions(messages_per_minute=100_000)) as stand, stand.acknowledged() as other:
        await other.subscribe("other")
        bystander = await stand.streams.running()

        async def check(messages: list[Any], greeted: bool) -> None:
            async with stand.socket() as socket:
                if greeted:
                    await socket.send({"type": "connection_init"})
                with contextlib.suppress(ConnectionClosed):
                    for message in messages:
                        await socket.send(json.dumps(message) if not isinstance(message, str) else message)
                    await socket.send({"type": "ping", "payload": {"last": True}})
                    while (await socket.receive()).get("payload") != {"last": True}:
                        pass
                assert socket.opened.close_code in (None, 4400, 4401, 4403, 4409, 4429)
            bystander.push({"n": 1})
            assert (await other.receive())["id"] == "other"

        loop = asyncio.get_running_loop()

        @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
        @given(st.lists(MESSAGES | JSON | st.text(), max_size=4), st.booleans())
        def property_(messages: list[Any], greeted: bool) -> None:
            asyncio.run_coroutine_threadsafe(check(messages, greeted), loop).result(10)

        await loop.run_in_executor(None, property_)
        assert bystander.closes == 0
        await until(lambda: len(stand.connections.streams) == 1)
        assert all(running.closes == 1 for running in stand.streams.started[1:] if not done(running))


def done(running: Any) -> bool:
    """Ended by itself: a query."""
    return bool(running.sink.over and not running.sink.muted) or not running.request.query.startswith("subscription")


async def test_bytes_that_are_no_websocket_leave_no_trace() -> None:
    async with standing() as stand:
        host, port = stand.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET /graphql HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        assert b" 4" in await asyncio.wait_for(reader.readline(), 2)
        writer.get_extra_info("socket").setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        writer.close()
        await until(lambda: not stand.connections.streams)
