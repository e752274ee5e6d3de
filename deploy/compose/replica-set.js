// Makes MongoDB a replica set of one member, once, and waits until it takes writes. Run by mongosh.
const admin = new Mongo(process.env.MONGO_URL).getDB("admin");
const members = [{ _id: 0, host: "mongo:27017" }];
try {
  admin.runCommand({ replSetInitiate: { _id: "rookery", members } });
} catch (error) {
  if (error.codeName !== "AlreadyInitialized") throw error;
}
for (let tries = 0; !admin.hello().isWritablePrimary; tries += 1) {
  if (tries === 60) throw new Error("no primary after a minute");
  sleep(1000);
}
