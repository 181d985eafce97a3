"""A server that answers each connection with what a function of its number and its request says."""

import socket
import threading
from contextlib import contextmanager, suppress


@contextmanager
def scripted(answer):
    """Yield its port; `answer` returns the bytes, and whether the connection is closed then."""
    listener = socket.create_server(("127.0.0.1", 0))
    clients = []
    threads = []

    def serve(client, number):
        try:
            data, closes = answer(number, client.recv(65536))
            client.sendall(data)
            if closes:
                client.close()
        except OSError:
            client.close()

    def accept():
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            clients.append(client)
            threads.append(threading.Thread(target=serve, args=(client, len(clients))))
            threads[-1].start()

    threads.append(threading.Thread(target=accept))
    threads[0].start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        threads[0].join()
        for client in clients:
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join()
        for client in clients:
            client.close()
