// Prefill and decode speed of the llama.cpp in node-llama-cpp, one JSON object on stdout:
//   node peer.mjs '{"model": FILE, "prompt": N, "tokens": N, "threads": N}'
// The same numbers that `tiefsee bench` takes: random ids, one sequence, one run without warm-up
// beyond a prompt of as many tokens, flash attention as the package defaults to.
import {getLlama, LlamaLogLevel} from "node-llama-cpp";

const {model: modelPath, prompt, tokens: nDecode, threads} = JSON.parse(process.argv[2]);

function ids(n, vocabulary) {
    let state = 12345;
    return Array.from({length: n}, () => {
        state = (state * 1103515245 + 12345) % 2147483648;
        return state % vocabulary;
    });
}

async function seconds(work) {
    const start = performance.now();
    await work();
    return (performance.now() - start) / 1000;
}

const llama = await getLlama({gpu: false, build: "never", maxThreads: threads,
    logLevel: LlamaLogLevel.error});
const model = await llama.loadModel({modelPath, useMmap: true});
const context = await model.createContext({contextSize: prompt + nDecode + 64,
    batchSize: Math.max(512, prompt), threads, sequences: 1});
const sequence = context.getSequence();
const random = ids(prompt + nDecode + 1, model.fileInfo.metadata.tokenizer?.ggml?.tokens?.length ?? 32000);
const result = {peer: "llama.cpp", threads};

if (prompt > 0) {
    await sequence.evaluateWithoutGeneratingNewTokens(random.slice(0, Math.min(prompt, 64)));
    await sequence.eraseContextTokenRanges([{start: 0, end: prompt}]);
    result.prefill = prompt / await seconds(
        () => sequence.evaluateWithoutGeneratingNewTokens(random.slice(0, prompt)));
    await sequence.eraseContextTokenRanges([{start: 0, end: prompt}]);
}
if (nDecode > 0) {
    await sequence.evaluateWithoutGeneratingNewTokens(random.slice(0, 1));
    result.decode = nDecode / await seconds(async () => {
        for (let i = 0; i < nDecode; i++)
            await sequence.evaluateWithoutGeneratingNewTokens([random[i + 1]]);
    });
}
console.log(JSON.stringify(result));
await llama.dispose();
