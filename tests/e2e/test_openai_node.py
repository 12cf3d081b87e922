#!/usr/bin/env python3
"""OpenAI's own client for Node against the real server: openai_client.mjs.

    test_openai_node.py PATH_OF_TIEFSEE"""
import os
import subprocess
import unittest

import sdk
from served import LIMIT_S, NAME, Server, main

FOLDER = sdk.node("openai@6.49.0", "zod@4.6.7")
SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "openai_client.mjs")


class Client(unittest.TestCase):
    def test_does_what_it_promises(self):
        server = Server()
        try:
            done = subprocess.run(["node", SCRIPT, f"{server.url}/v1", NAME, FOLDER],
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                  timeout=2 * LIMIT_S)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        finally:
            self.assertEqual(server.stop(), 0)


main()
