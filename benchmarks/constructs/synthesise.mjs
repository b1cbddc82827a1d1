// A queue and a function by AWS Solutions Constructs, as CloudFormation; the function's code is in
// the first file that is named, the template goes to the second. What is not the construct's default
// is there for a run that ends soon: two receives, and times of two seconds.
import { readFileSync, writeFileSync } from "node:fs";

import { SqsToLambda } from "@aws-solutions-constructs/aws-sqs-lambda";
import { App, DefaultStackSynthesizer, Duration, Stack } from "aws-cdk-lib";
import { Code, Runtime } from "aws-cdk-lib/aws-lambda";

const app = new App({ analyticsReporting: false });
// Nothing lies in a bucket, so nobody has to prepare the account.
const synthesizer = new DefaultStackSynthesizer({ generateBootstrapVersionRule: false });
const stack = new Stack(app, "Constructs", { synthesizer });
new SqsToLambda(stack, "Events", {
  lambdaFunctionProps: {
    runtime: Runtime.PYTHON_3_13,
    handler: "index.handler",
    code: Code.fromInline(readFileSync(process.argv[2], "utf8")),
    timeout: Duration.seconds(2),
  },
  queueProps: { visibilityTimeout: Duration.seconds(2) },
  maxReceiveCount: 2,
});
const { template } = app.synth().getStackByName("Constructs");
writeFileSync(process.argv[3], JSON.stringify(template));
