// Runs the network of a page, by the page's own code, in Node: images go in as bytes on stdin, 784 each; the
// probabilities of each come out on stdout as 32-bit floats. The page is the file that the first word names.
const fs = require("fs");
const vm = require("vm");

const page = fs.readFileSync(process.argv[2], "utf8");
const [, data] = page.match(/<script type="application\/json" id="model">(.*?)<\/script>/s);
const [, code] = page.match(/<script>(.*?)<\/script>/s);
vm.runInThisContext(code);
const { readNetwork, probabilities } = vm.runInThisContext("({ readNetwork, probabilities })");

const model = JSON.parse(data);
const layers = readNetwork(model.network);
const images = fs.readFileSync(0);
const classes = model.classes.length;
const found = new Float32Array((images.length / 784) * classes);
for (let image = 0; image < images.length / 784; image++) {
  found.set(probabilities(layers, images.subarray(784 * image, 784 * (image + 1))), classes * image);
}
process.stdout.write(Buffer.from(found.buffer));
