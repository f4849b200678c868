// What users of the official JavaScript client do; prints one JSON object of what came of it.
import { Writable } from 'node:stream';
import * as k8s from '@kubernetes/client-node';

const [namespace, pod] = process.argv.slice(2);
const config = new k8s.KubeConfig();
config.loadFromDefault();
const core = config.makeApiClient(k8s.CoreV1Api);
const apps = config.makeApiClient(k8s.AppsV1Api);
const seen = {};

function within(seconds, what, start) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`not within ${seconds} s: ${what}`)), seconds * 1000);
    const done = (value) => {
      clearTimeout(timer);
      resolve(value);
    };
    Promise.resolve(start(done)).catch(reject);
  });
}

class Collected extends Writable {
  text = '';
  _write(chunk, encoding, callback) {
    this.text += chunk;
    callback();
  }
}

const body = { metadata: { name: 'js', labels: { from: 'js' } }, data: { k: 'v' } };
seen.created = (await core.createNamespacedConfigMap({ namespace, body })).data;
const read = await core.readNamespacedConfigMap({ name: 'js', namespace });
seen.replaced = (
  await core.replaceNamespacedConfigMap({ name: 'js', namespace, body: { ...read, data: { k: 'w' } } })
).data;
seen.patched = (
  await core.patchNamespacedConfigMap(
    { name: 'js', namespace, body: { data: { x: 'y' } } },
    k8s.setHeaderOptions('Content-Type', k8s.PatchStrategy.MergePatch),
  )
).data;

const objects = k8s.KubernetesObjectApi.makeApiClient(config);
const applied = await objects.patch(
  { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'js-applied', namespace }, data: { a: 'b' } },
  undefined,
  undefined,
  'js-manager',
  true,
  k8s.PatchStrategy.ServerSideApply,
);
seen.manager = applied.metadata.managedFields[0].manager;

seen.watched = await within(20, 'a watch event', async (done) => {
  const list = await core.listNamespacedConfigMap({ namespace });
  const watch = new k8s.Watch(config);
  const request = await watch.watch(
    `/api/v1/namespaces/${namespace}/configmaps`,
    { resourceVersion: list.metadata.resourceVersion },
    (type, object) => {
      request?.abort();
      done([type, object.metadata.name]);
    },
    () => {},
  );
  await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'js-watched' } } });
});

seen.informed = await within(20, 'an informer that knows the ConfigMaps', async (done) => {
  const informer = k8s.makeInformer(config, `/api/v1/namespaces/${namespace}/configmaps`, () =>
    core.listNamespacedConfigMap({ namespace }),
  );
  informer.on('add', (object) => {
    if (object.metadata.name === 'js-informed') {
      informer.stop();
      done(object.metadata.name);
    }
  });
  await informer.start();
  await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'js-informed' } } });
});

const [out, err] = [new Collected(), new Collected()];
seen.exec = await within(20, 'exec', async (done) => {
  const command = ['sh', '-c', 'echo out; echo err >&2; exit 4'];
  await new k8s.Exec(config).exec(namespace, pod, 'c', command, out, err, null, false, (status) =>
    done({ out: out.text, err: err.text, status: status.status, causes: status.details?.causes }),
  );
});

try {
  await core.createNamespacedService({ namespace, body: { metadata: { name: 'Bad_Name' }, spec: {} } });
} catch (error) {
  seen.refused = error.code;
}
seen.deployments = (await apps.listNamespacedDeployment({ namespace })).items.length;
seen.deleted = (await core.deleteNamespacedConfigMap({ name: 'js', namespace })).status;
console.log(JSON.stringify(seen));
process.exit(0);
