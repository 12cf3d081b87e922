#!/usr/bin/env python3
"""Anthropic's, Ollama's and OpenAI's (Responses) own clients for Node against the real
server: protocols_client.mjs.

    test_protocols_node.py PATH_OF_TIEFSEE"""
import os
import subprocess
import unittest

import sdk
from served import LIMIT_S, NAME, Server, main

FOLDER = sdk.node("@anthropic-ai/sdk@1.13.0", "ollama@0.6.4", "openai@6.49.0", "zod@4.6.7")
SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "protocols_client.mjs")


class Clients(unittest.TestCase):
    def test_do_what_they_promise(self):
        server = Server()
        try:
            done = subprocess.run(["node", SCRIPT, server.url, NAME, FOLDER],
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                  timeout=2 * LIMIT_S)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertEqual(done.stdout.count("ok of"), 17, done.stdout)
        finally:
            self.assertEqual(server.stop(), 0)


main()
